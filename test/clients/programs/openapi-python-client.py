import os
import time

from switchyard_client import AuthenticatedClient
from switchyard_client.api.destinations import create_destination
from switchyard_client.api.events import get_event, send_event
from switchyard_client.models import (
    Event,
    NewEvent,
    NewEventData,
    NewWebhookDestination,
    NewWebhookDestinationChannel,
    Subscription,
    WebhookConfig,
)

client = AuthenticatedClient(base_url=os.environ["BASE_URL"], token=os.environ["API_KEY"])
made = create_destination.sync(
    client=client,
    body=NewWebhookDestination(
        name="openapi-python-client",
        channel=NewWebhookDestinationChannel.WEBHOOK,
        config=WebhookConfig(url=os.environ["RECEIVER_URL"]),
        subscription=Subscription(event_types=["aml.*"]),
    ),
)
data = NewEventData.from_dict({"score": 1})
sent = send_event.sync(client=client, body=NewEvent(type_="aml.match.found", data=data))
while True:
    log = get_event.sync(id=sent.id, client=client)
    assert isinstance(log, Event), log
    if any(one.destination_id == made.id and one.status == "delivered" for one in log.deliveries):
        break
    time.sleep(0.1)
print("delivered")
