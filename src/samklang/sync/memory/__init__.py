"""Both calendars and the store in memory: faithful to the contracts of `sync.ports`, with knobs for what goes wrong.

They ship with the product: the sync core is tested and understood on them. `Faults` makes any call of any of them fail
before or after it took effect; methods named `person_…` are what people do to their calendars behind our back.
"""

from samklang.sync.memory.activities import MemoryActivities
from samklang.sync.memory.calendar import MemoryCalendar
from samklang.sync.memory.faults import Faults, PowerCut
from samklang.sync.memory.post import PostOffice
from samklang.sync.memory.store import MemoryStore

__all__ = ["Faults", "MemoryActivities", "MemoryCalendar", "MemoryStore", "PostOffice", "PowerCut"]
