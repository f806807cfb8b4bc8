"""The import rules hold, and each of them notices when it is broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: One broken import for each rule: rule's first words, file, line put into it.
SEEDS = (
    ("Imports go downwards", "engine/model.py", "import samklang.sync.ports"),
    ("The sandbox is a witness", "sandbox/model.py", "import samklang.engine.model"),
    ("Only the command line starts", "wiring.py", "import samklang.sandbox.server"),
    ("Only who starts processes", "mailboxes/models.py", "import samklang.database"),
    ("Connectors know one protocol", "connectors/graph/wire.py", "import samklang.connectors.ews.wire"),
    ("Connectors, core and launcher", "connectors/http.py", "import django"),
    ("The sync core reaches", "sync/ports.py", "import requests"),
    ("The engine is pure", "engine/times.py", "import os"),
    ("No cycles", "engine/times.py", "import samklang.engine.rules"),
)


def lint(source: Path) -> str:
    answer = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-logo",
            "--no-cache",
            "--config",
            ROOT / "pyproject.toml",
        ],
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        cwd=source,
    )
    return answer.stdout + answer.stderr


def verdicts(said: str) -> dict[str, str]:
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)$", re.sub(r"\n(?=\S+ (?:KEPT|BROKEN)$)", " ", said), re.M))


def test_the_rules_hold_and_every_one_notices_its_own_breach(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("static", "locale", "templates", "__pycache__"))
    kept = verdicts(lint(source))
    assert set(kept.values()) == {"KEPT"}, kept

    for _, file, line in SEEDS:
        path = source / "samklang" / file
        path.write_text(f"{path.read_text()}\n{line}\n")
    broken = verdicts(lint(source))
    assert {rule for rule, verdict in broken.items() if verdict == "BROKEN"} == set(kept)
    assert {next(rule for rule in kept if rule.startswith(words)) for words, _, _ in SEEDS} == set(kept)


def test_a_module_without_a_place_in_the_house_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("static", "locale", "templates", "__pycache__"))
    (source / "samklang" / "stray.py").write_text("")
    said = lint(source)
    assert "stray" in said
    assert "BROKEN" in said or "not listed" in said.lower() or "unmatched" in said.lower() or "Undeclared" in said
