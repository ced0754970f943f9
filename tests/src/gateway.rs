//! API Gateway for one function: what it hands over of a request.

use serde_json::{Map, Value, json};

/// A request as a REST API with proxy integration hands it over, without a body and without variables.
///
/// # Panics
/// If `headers` is not an object.
pub fn request(method: &str, path: &str, headers: Value) -> Value {
    let Some(each) = headers.as_object() else { panic!("headers are an object: {headers}") };
    let every: Map<_, _> =
        each.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": every,
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "accountId": "0", "apiId": "local", "resourceId": "local", "stage": "local", "requestId": "test",
            "resourcePath": path, "httpMethod": method, "identity": { "sourceIp": "127.0.0.1" },
        },
        "body": null, "isBase64Encoded": false,
    })
}
