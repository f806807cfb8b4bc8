"""Activities under `/rest-api/v1` with the paths, fields and errors of Severa's public REST API (Severa facts §1).

A personal access token acts as its user: he sees and may change what he could on the pages, nothing more. Client
credentials act for the organization, within their scopes; private entries they see only if an administrator said so.
"""

from samklang.web.severa_api.api import api, heartbeat

__all__ = ["api", "heartbeat"]
