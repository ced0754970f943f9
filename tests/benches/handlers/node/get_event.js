// The same two reads as our get_event (the event, its stock), as a Node team would write it: the AWS SDK for JavaScript, bundled.
// The loop is Lambda's runtime interface and no more, which flatters Node: its managed runtime does more.
const http = require("node:http");
const { BatchGetItemCommand, DynamoDBClient, GetItemCommand } = require("@aws-sdk/client-dynamodb");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
const dynamodb = new DynamoDBClient({});

async function main() {
  // Opens the connection and loads the credentials before the first event, as our functions do.
  await readEvent("nobody");
  for (;;) {
    const { headers, body } = await runtime("GET", "next");
    const answer = await handle(JSON.parse(body));
    await runtime("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
  }
}

async function handle(event) {
  const item = await readEvent(event.pathParameters.eventId);
  if (!item) return { statusCode: 404, body: "{}" };
  const { pk, sk, ...view } = plain({ M: item });
  const stock = await readStock(view.id, view.shards);
  view.seatsLeft = stock.map((shard) => plain({ M: shard }).free).reduce((sum, free) => sum + free, 0);
  const headers = { "content-type": "application/json", etag: `"${view.version}-${view.seatsLeft}"` };
  return { statusCode: 200, headers, body: JSON.stringify(view) };
}

async function readEvent(id) {
  const Key = { pk: { S: `EVT#${id}` }, sk: { S: "EVENT" } };
  const command = new GetItemCommand({ TableName: `${process.env.TABLE_PREFIX}-catalog`, Key });
  return (await dynamodb.send(command)).Item;
}

async function readStock(id, shards) {
  const table = `${process.env.TABLE_PREFIX}-sales`;
  const Keys = [...Array(shards).keys()].map((n) => ({ pk: { S: `EVT#${id}#STOCK#${n}` }, sk: { S: "STOCK" } }));
  const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } });
  return (await dynamodb.send(command)).Responses[table];
}

function plain(value) {
  const [[type, inner]] = Object.entries(value);
  switch (type) {
    case "N": return Number(inner);
    case "NULL": return null;
    case "L": return inner.map(plain);
    case "M": return Object.fromEntries(Object.entries(inner).map(([name, each]) => [name, plain(each)]));
    default: return inner;
  }
}

function runtime(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { hostname, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const request = http.request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ headers: response.headers, body: text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

main();
