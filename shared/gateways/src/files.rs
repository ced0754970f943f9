//! S3: what is too large for an answer, and is fetched by a link. Each call may be made again without harm.

use std::time::Duration;

use aws::{Connect, ConnectError, variable};
use aws_config::{SdkConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::Builder,
    error::DisplayErrorContext,
    presigning::PresigningConfig,
    types::{Delete, ObjectIdentifier},
};
use domain::fault::{Code, Fault};

use crate::codes;

/// How long one attempt may take: a file has megabytes, where the other services' calls have kilobytes.
const LIMIT: Duration = Duration::from_secs(60);

/// The bucket of files.
#[derive(Clone)]
pub struct Files {
    client: Client,
    bucket: String,
}

/// What whoever fetches a file is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its media type, such as `application/json`.
    pub media_type: &'static str,
    /// Its `Content-Disposition`: what a browser calls it when it keeps it.
    pub disposition: &'static str,
}

impl Connect for Files {
    /// The bucket that the environment names (`FILES_BUCKET`).
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(aws::config(), variable("FILES_BUCKET")?))
    }
}

impl Files {
    /// A bucket by its name, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, bucket: String) -> Self {
        // On top of the other limits: another limit for connecting would be another pool of connections.
        let limits =
            aws.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let config = Builder::from(aws)
            .timeout_config(limits.operation_attempt_timeout(LIMIT).build())
            // Where AWS is played on an address of its own, no bucket has a host name.
            .force_path_style(aws.endpoint_url().is_some());
        Self { client: Client::from_conf(config.build()), bucket }
    }

    /// Puts a file, in place of what was there.
    ///
    /// # Errors
    /// [`NotDone`]: it is not there, or nobody knows.
    pub async fn put(&self, key: &str, kind: Kind, content: Vec<u8>) -> Result<(), NotDone> {
        let putting = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.media_type)
            .content_disposition(kind.disposition)
            .cache_control("no-store")
            .body(content.into());
        putting.send().await.map_err(NotDone::of)?;
        Ok(())
    }

    /// An address where anybody may read a file for a while, as long as these credentials last. Nobody is asked whether
    /// it is there.
    ///
    /// # Errors
    /// [`NotDone`], without credentials.
    pub async fn link(&self, key: &str, life: Duration) -> Result<String, NotDone> {
        let life = PresigningConfig::expires_in(life).map_err(NotDone::of)?;
        let reading = self.client.get_object().bucket(&self.bucket).key(key);
        Ok(reading.presigned(life).await.map_err(NotDone::of)?.uri().to_owned())
    }

    /// Removes every file whose key begins so, with all that it ever was: the bucket keeps what is replaced or deleted as a version.
    ///
    /// # Errors
    /// [`NotDone`]: some are left, or nobody knows.
    pub async fn remove_all(&self, prefix: &str) -> Result<(), NotDone> {
        loop {
            // What is removed is not listed again, so each page is the first.
            let listing = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix);
            let page = listing.send().await.map_err(NotDone::of)?;
            let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
            let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
            let all = versions.chain(markers).map(|(key, version)| {
                let named = ObjectIdentifier::builder().key(key.unwrap_or_default());
                named.set_version_id(version.map(str::to_owned)).build()
            });
            let all = all.collect::<Result<Vec<_>, _>>().map_err(NotDone::of)?;
            if all.is_empty() {
                return Ok(());
            }
            let all = Delete::builder().quiet(true).set_objects(Some(all));
            let all = all.build().map_err(NotDone::of)?;
            let deleting = self.client.delete_objects().bucket(&self.bucket).delete(all);
            let answer = deleting.send().await.map_err(NotDone::of)?;
            if let Some(left) = answer.errors().first() {
                return Err(NotDone(left.code().unwrap_or_default().to_owned()));
            }
        }
    }
}

/// S3 did not do it, or nobody knows whether it did. It may be tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("S3 did not do it, or nobody knows: {0}")]
pub struct NotDone(String);

impl NotDone {
    fn of(error: impl std::error::Error) -> Self {
        Self(DisplayErrorContext(error).to_string())
    }
}

impl Fault for NotDone {
    fn code(&self) -> Code {
        codes::FILES_UNAVAILABLE
    }
}

#[cfg(test)]
mod tests {
    use stack::OwnBucket;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, query_param},
    };

    use super::*;

    const KIND: Kind =
        Kind { media_type: "application/json", disposition: "attachment; filename=\"all.json\"" };

    async fn bucket() -> (OwnBucket, Files) {
        let own = OwnBucket::new().await;
        let address = std::env::var("AWS_ENDPOINT_URL").unwrap();
        let files = Files::new(&stack::aws(&address), own.name.clone());
        (own, files)
    }

    #[test]
    fn a_link_reads_what_was_put_last_without_a_key_and_is_one_file_s_alone() {
        stack::run(async {
            let (_, files) = bucket().await;
            for content in ["old", "새것"] {
                files.put("exports/a/1.json", KIND, content.into()).await.unwrap();
            }
            files.put("exports/b/1.json", KIND, b"another's".to_vec()).await.unwrap();
            let link = files.link("exports/a/1.json", Duration::from_mins(15)).await.unwrap();
            assert!(link.contains("X-Amz-Expires=900"), "{link}");
            let anybody = reqwest::Client::builder().build().unwrap();
            let answer = anybody.get(&link).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let header = |name| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), "application/json");
            assert_eq!(header("content-disposition"), "attachment; filename=\"all.json\"");
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(answer.text().await.unwrap(), "새것");
            let another = link.replace("exports/a/", "exports/b/");
            assert_eq!(anybody.get(another).send().await.unwrap().status(), 403);
        });
    }

    #[test]
    fn of_what_is_removed_no_version_and_no_mark_is_left_and_nothing_else_is_touched() {
        stack::run(async {
            let (own, files) = bucket().await;
            for key in ["exports/a/1", "exports/a/1", "exports/a/2", "exports/ab/1", "other/a/1"] {
                files.put(key, KIND, b"{}".to_vec()).await.unwrap();
            }
            own.delete("exports/a/2").await;
            assert_eq!(own.versions().await.len(), 6);
            for _ in 0..2 {
                files.remove_all("exports/a/").await.unwrap();
                assert_eq!(own.versions().await, ["exports/ab/1", "other/a/1"]);
            }
        });
    }

    /// S3 with so many pages of one version each, and what it answers to a deletion.
    async fn s3(pages: u64, deletion: &str) -> (MockServer, Files) {
        let server = MockServer::start().await;
        let page = "<ListVersionsResult><IsTruncated>true</IsTruncated><Version><Key>a</Key>\
                    <VersionId>1</VersionId></Version></ListVersionsResult>";
        let listing = || Mock::given(method("GET")).and(query_param("versions", ""));
        let answer = ResponseTemplate::new(200).set_body_string(page);
        listing().respond_with(answer).up_to_n_times(pages).mount(&server).await;
        let answer = ResponseTemplate::new(200).set_body_string("<ListVersionsResult/>");
        listing().respond_with(answer).mount(&server).await;
        let answer = ResponseTemplate::new(200).set_body_string(deletion);
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        let files = Files::new(&stack::aws(&server.uri()), "files".into());
        (server, files)
    }

    async fn deletions(server: &MockServer) -> usize {
        let requests = server.received_requests().await.unwrap();
        requests.iter().filter(|request| request.method == "POST").count()
    }

    #[test]
    fn what_is_on_a_later_page_is_removed_too() {
        stack::run(async {
            let (server, files) = s3(3, "<DeleteResult/>").await;
            files.remove_all("a").await.unwrap();
            assert_eq!(deletions(&server).await, 3);
        });
    }

    #[test]
    fn a_version_that_is_not_removed_is_told_and_ends_it() {
        stack::run(async {
            let refused =
                "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>";
            let (server, files) = s3(3, refused).await;
            let told = files.remove_all("a").await.unwrap_err();
            assert!(told.to_string().contains("AccessDenied"), "{told}");
            assert_eq!(deletions(&server).await, 1);
        });
    }
}
