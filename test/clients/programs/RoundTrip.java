import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.DestinationsApi;
import org.openapitools.client.api.EventsApi;
import org.openapitools.client.model.*;

public class RoundTrip {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("BASE_URL"));
        client.setRequestInterceptor(
            request -> request.header("Authorization", "Bearer " + System.getenv("API_KEY")));
        EventsApi events = new EventsApi(client);

        NewWebhookDestination webhook = new NewWebhookDestination()
            .name("openapi-generator")
            .channel(NewWebhookDestination.ChannelEnum.WEBHOOK)
            .config(new WebhookConfig().url(System.getenv("RECEIVER_URL")))
            .subscription(new Subscription().eventTypes(List.of("aml.*")));
        WrittenDestination made =
            new DestinationsApi(client).createDestination(new NewDestination(webhook), null);
        NewEvent event = new NewEvent().type("aml.match.found").data(Map.of("score", 1));
        AcceptedEvent sent = events.sendEvent(event, null, null);
        while (events.getEvent(sent.getId()).getDeliveries().stream().noneMatch(
            one -> one.getDestinationId().equals(made.getId())
                && one.getStatus() == Delivery.StatusEnum.DELIVERED)) {
            Thread.sleep(100);
        }
        System.out.println("delivered");
    }
}
