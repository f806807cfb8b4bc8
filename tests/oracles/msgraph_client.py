"""Drives a Microsoft Graph with msgraph-sdk and azure-identity: a JSON order a line on standard input, a JSON answer a
line on standard output.

Order: {"graph", "login", "ca_file", "tenant", "client_id", "secret", "user", "steps": [{"do": …}, …]}.
Answer: a list, one result per step; a step that raised gives {"error": code, "status": number, "message": text}.
A step may name the result of an earlier one: "$0.id" is the id of the first.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

import httpx
import msgraph_plain
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.entity import Entity
from msgraph.generated.models.event import Event
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.item.calendar_view.calendar_view_request_builder import CalendarViewRequestBuilder
from msgraph.generated.users.item.calendar_view.delta.delta_request_builder import DeltaRequestBuilder
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph.generated.users.item.events.item.cancel.cancel_post_request_body import CancelPostRequestBody
from msgraph.generated.users.item.events.item.event_item_request_builder import EventItemRequestBuilder
from msgraph.generated.users.item.events.item.instances.instances_request_builder import InstancesRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

ITEM = "msgraph.generated.users.item.events.item"
SCOPE = "https://graph.microsoft.com/.default"


def fields_of_entity(self: Entity) -> dict[str, Any]:
    """What it answers anyway, without first importing all of two thousand models, for each object anew (Graph facts
    §6): seconds in every run of the tests."""
    return {
        "id": lambda node: setattr(self, "id", node.get_str_value()),
        "@odata.type": lambda node: setattr(self, "odata_type", node.get_str_value()),
    }


Entity.get_field_deserializers = fields_of_entity  # type: ignore[method-assign]


def credential_of(order: dict[str, Any]) -> ClientSecretCredential:
    return ClientSecretCredential(
        order["tenant"],
        order["client_id"],
        order["secret"],
        authority=order["login"],
        disable_instance_discovery=True,
        connection_verify=order["ca_file"],
    )


def client(order: dict[str, Any], credential: ClientSecretCredential, http: httpx.AsyncClient) -> GraphServiceClient:
    provider = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=["127.0.0.1"])
    adapter = GraphRequestAdapter(provider, client=http)
    adapter.base_url = order["graph"]
    return GraphServiceClient(request_adapter=adapter)


def model(fields: dict[str, Any]) -> Event:
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(fields).encode())
    return node.get_object_value(Event.create_from_discriminator_value(node))  # type: ignore[arg-type]


def plain(thing: Any) -> dict[str, Any]:
    """A model as the SDK itself would write it."""
    writer = JsonSerializationWriter()
    thing.serialize(writer)
    found: dict[str, Any] = json.loads(writer.get_serialized_content())
    return found


def asking(parameters: Any, step: dict[str, Any]) -> Any:
    for name, value in step.get("query", {}).items():
        setattr(parameters, name, value)
    configuration: Any = RequestConfiguration(query_parameters=parameters)
    for name, value in step.get("headers", {}).items():
        configuration.headers.add(name, value)
    return configuration


async def pages(first: Any, follow: Any) -> dict[str, Any]:
    """All rows of a listing, page after page, and the link a delta round ends with."""
    rows, page = [], first
    while True:
        rows += [plain(row) for row in page.value]
        if not page.odata_next_link:
            return {"rows": rows, "link": getattr(page, "odata_delta_link", None)}
        page = await follow(page.odata_next_link)


async def perform(graph: GraphServiceClient, user_id: str, step: dict[str, Any]) -> Any:
    user = graph.users.by_user_id(step.get("user", user_id))
    match step["do"]:
        case "users":
            parameters = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters()
            found = await graph.users.get(asking(parameters, step))
            return [plain(row) for row in found.value]
        case "create":
            return plain(await user.events.post(model(step["event"])))
        case "get":
            parameters = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters()
            return plain(await user.events.by_event_id(step["id"]).get(asking(parameters, step)))
        case "update":
            return plain(
                await user.events.by_event_id(step["id"]).patch(
                    model(step["event"]),
                    asking(EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(), step),
                )
            )
        case "delete":
            await user.events.by_event_id(step["id"]).delete()
            return {}
        case "answer":
            # `how`: accept, tentatively_accept or decline.
            how, name = step["how"], "".join(word.capitalize() for word in step["how"].split("_"))
            module = importlib.import_module(f"{ITEM}.{how}.{how}_post_request_body")
            body = getattr(module, f"{name}PostRequestBody")(send_response=step["send"])
            await getattr(user.events.by_event_id(step["id"]), how).post(body)
            return {}
        case "cancel":
            await user.events.by_event_id(step["id"]).cancel.post(CancelPostRequestBody())
            return {}
        case "list":
            parameters = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters()
            first = await user.events.get(asking(parameters, step))
            return await pages(first, lambda link: user.events.with_url(link).get())
        case "view":
            parameters = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters()
            first = await user.calendar_view.get(asking(parameters, step))
            return await pages(first, lambda link: user.calendar_view.with_url(link).get())
        case "instances":
            parameters = InstancesRequestBuilder.InstancesRequestBuilderGetQueryParameters()
            builder = user.events.by_event_id(step["id"]).instances
            first = await builder.get(asking(parameters, step))
            return await pages(first, lambda link: builder.with_url(link).get())
        case "delta":
            builder = user.calendar_view.delta
            parameters = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters()
            asked = asking(parameters, step)
            first = await (builder.with_url(step["link"]).get() if "link" in step else builder.get(asked))
            return await pages(first, lambda link: builder.with_url(link).get())
        case "read_plain":
            return await msgraph_plain.read(user, step["ids"])
        case "dates_plain":
            return await msgraph_plain.dates(user, step["start"], step["end"])
        case "write_plain":
            return await msgraph_plain.write(user, step["meant"])
    raise ValueError(f"unknown step {step['do']}")


def filled(value: Any, results: list[Any]) -> Any:
    """Replaces "$n.name" by what step n gave."""
    if isinstance(value, dict):
        return {name: filled(part, results) for name, part in value.items()}
    if isinstance(value, str) and value.startswith("$") and value[1:2].isdigit():
        number, _, path = value[1:].partition(".")
        found = results[int(number)]
        for part in path.split("."):
            found = found[int(part)] if part.isdigit() else found[part]
        return found
    return value


async def obeyed(order: dict[str, Any]) -> list[Any]:
    results: list[Any] = []
    async with credential_of(order) as credential, httpx.AsyncClient(verify=order["ca_file"], trust_env=False) as http:
        graph = client(order, credential, http)
        for step in order["steps"]:
            try:
                results.append(await perform(graph, order["user"], filled(step, results)))
            except ODataError as error:
                code = error.error.code if error.error else ""
                results.append({"error": code, "status": error.response_status_code, "message": str(error)[:500]})
            except APIError as error:
                results.append({"error": "", "status": error.response_status_code, "message": str(error)[:500]})
    return results


for line in sys.stdin:
    print(json.dumps(asyncio.run(obeyed(json.loads(line)))), flush=True)
