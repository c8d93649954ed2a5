import os
import time

from openapi_client import ApiClient, Configuration
from openapi_client.api import DestinationsApi, EventsApi
from openapi_client.models import (
    NewDestination,
    NewEvent,
    NewWebhookDestination,
    Subscription,
    WebhookConfig,
)

configuration = Configuration(host=os.environ["BASE_URL"], access_token=os.environ["API_KEY"])
with ApiClient(configuration) as client:
    events = EventsApi(client)
    webhook = NewWebhookDestination(
        name="openapi-generator",
        channel="webhook",
        config=WebhookConfig(url=os.environ["RECEIVER_URL"]),
        subscription=Subscription(eventTypes=["aml.*"]),
    )
    made = DestinationsApi(client).create_destination(NewDestination(webhook))
    sent = events.send_event(NewEvent(type="aml.match.found", data={"score": 1}))
    while not any(
        one.destination_id == made.id and one.status == "delivered"
        for one in events.get_event(sent.id).deliveries
    ):
        time.sleep(0.1)
print("delivered")
