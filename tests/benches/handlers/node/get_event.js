// The same read as our get_event, as a Node team would write it: the AWS SDK for JavaScript, bundled.
// The loop is Lambda's runtime interface and no more, which flatters Node: its managed runtime does more.
const http = require("node:http");
const { DynamoDBClient, GetItemCommand } = require("@aws-sdk/client-dynamodb");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
const dynamodb = new DynamoDBClient({});

async function main() {
  // Opens the connection and loads the credentials before the first event, as our functions do.
  await read("nobody", "nothing");
  for (;;) {
    const { headers, body } = await runtime("GET", "next");
    const answer = await handle(JSON.parse(body));
    await runtime("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
  }
}

async function handle(event) {
  const item = await read(process.env.PK.replace("{}", event.pathParameters.eventId), process.env.SK);
  return item
    ? { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(plain({ M: item })) }
    : { statusCode: 404, body: "{}" };
}

async function read(pk, sk) {
  const Key = { pk: { S: pk }, sk: { S: sk } };
  return (await dynamodb.send(new GetItemCommand({ TableName: process.env.TABLE, Key }))).Item;
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
