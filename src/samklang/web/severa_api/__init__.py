"""Activities under `/rest-api/v1` with the paths, fields and errors of Severa's public REST API (Severa facts §1).

A personal access token acts as its user: he sees and may change what he could on the pages, nothing more.
"""

from samklang.web.severa_api.api import api

__all__ = ["api"]
