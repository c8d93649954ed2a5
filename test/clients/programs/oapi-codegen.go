package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	ctx := context.Background()
	authorize := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("API_KEY"))
		return nil
	}
	client, err := NewClientWithResponses(os.Getenv("BASE_URL"), WithRequestEditorFn(authorize))
	must(err)

	var body CreateDestinationJSONRequestBody
	must(body.FromNewWebhookDestination(NewWebhookDestination{
		Name:         "oapi-codegen",
		Channel:      NewWebhookDestinationChannelWebhook,
		Config:       WebhookConfig{Url: os.Getenv("RECEIVER_URL")},
		Subscription: Subscription{EventTypes: []string{"aml.*"}},
	}))
	made, err := client.CreateDestinationWithResponse(ctx, nil, body)
	must(err)
	if made.JSON201 == nil {
		panic(string(made.Body))
	}
	event := NewEvent{Type: "aml.match.found", Data: map[string]any{"score": 1}}
	sent, err := client.SendEventWithResponse(ctx, nil, event)
	must(err)
	if sent.JSON202 == nil {
		panic(string(sent.Body))
	}
	for {
		log, err := client.GetEventWithResponse(ctx, sent.JSON202.Id)
		must(err)
		if log.JSON200 == nil {
			panic(string(log.Body))
		}
		for _, delivery := range log.JSON200.Deliveries {
			if delivery.DestinationId == made.JSON201.Id && delivery.Status == "delivered" {
				fmt.Println("delivered")
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
