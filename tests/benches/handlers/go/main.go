// The same two reads as our get_event (the event, its stock), as a Go team would write it: the AWS SDK for Go v2 and
// AWS's own runtime library, which is all there is in `provided.al2023` too.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var prefix = os.Getenv("TABLE_PREFIX")

type view map[string]any

type store struct{ dynamodb *dynamodb.Client }

func main() {
	ctx := context.Background()
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	store := store{dynamodb.NewFromConfig(aws)}
	// Opens the connection and loads the credentials before the first event, as our functions do.
	if _, err := store.event(ctx, "nobody"); err != nil {
		log.Fatal(err)
	}
	lambda.Start(store.handle)
}

func (s store) handle(ctx context.Context, request events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	var none events.APIGatewayProxyResponse
	event, err := s.event(ctx, request.PathParameters["eventId"])
	if err != nil {
		return none, err
	}
	if event == nil {
		return events.APIGatewayProxyResponse{StatusCode: 404, Body: "{}"}, nil
	}
	seatsLeft, err := s.seatsLeft(ctx, event["id"].(string), int(event["shards"].(float64)))
	if err != nil {
		return none, err
	}
	delete(event, "pk")
	delete(event, "sk")
	event["seatsLeft"] = seatsLeft
	body, err := json.Marshal(event)
	if err != nil {
		return none, err
	}
	headers := map[string]string{
		"content-type": "application/json",
		"etag":         fmt.Sprintf(`"%v-%d"`, event["version"], seatsLeft),
	}
	return events.APIGatewayProxyResponse{StatusCode: 200, Headers: headers, Body: string(body)}, nil
}

func (s store) event(ctx context.Context, id string) (view, error) {
	table := prefix + "-catalog"
	answer, err := s.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key("EVT#"+id, "EVENT")})
	if err != nil || answer.Item == nil {
		return nil, err
	}
	var event view
	return event, attributevalue.UnmarshalMap(answer.Item, &event)
}

func (s store) seatsLeft(ctx context.Context, id string, shards int) (int, error) {
	var keys []map[string]types.AttributeValue
	for shard := range shards {
		keys = append(keys, key(fmt.Sprintf("EVT#%s#STOCK#%d", id, shard), "STOCK"))
	}
	table := prefix + "-sales"
	wanted := map[string]types.KeysAndAttributes{table: {Keys: keys}}
	answer, err := s.dynamodb.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: wanted})
	if err != nil {
		return 0, err
	}
	var stock []struct {
		Free int `dynamodbav:"free"`
	}
	if err := attributevalue.UnmarshalListOfMaps(answer.Responses[table], &stock); err != nil {
		return 0, err
	}
	left := 0
	for _, shard := range stock {
		left += shard.Free
	}
	return left, nil
}

func key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: pk},
		"sk": &types.AttributeValueMemberS{Value: sk},
	}
}
