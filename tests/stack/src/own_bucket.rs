use aws_sdk_s3::{
    Client,
    config::Builder,
    types::{
        BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
        VersioningConfiguration,
    },
};
use domain::id::MemberId;

/// A bucket of a test's own, which keeps versions as ours does.
pub struct OwnBucket {
    s3: Client,
    /// Its name.
    pub name: String,
}

impl OwnBucket {
    /// Makes one.
    ///
    /// # Panics
    /// When the local S3 doesn't.
    pub async fn new() -> Self {
        let address =
            std::env::var("AWS_ENDPOINT_URL").expect("these tests are run by `make test`");
        let config = Builder::from(&crate::aws(&address)).force_path_style(true);
        let s3 = Client::from_conf(config.build());
        let name = MemberId::generate().to_string().to_lowercase().replace('_', "-");
        let seoul = BucketLocationConstraint::ApNortheast2;
        let seoul = CreateBucketConfiguration::builder().location_constraint(seoul).build();
        let making = s3.create_bucket().bucket(&name).create_bucket_configuration(seoul);
        making.send().await.expect("the local S3 makes a bucket");
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let keeping = s3.put_bucket_versioning().bucket(&name);
        let keeping = keeping.versioning_configuration(enabled.build());
        keeping.send().await.expect("the local S3 keeps versions");
        Self { s3, name }
    }

    /// What a file says, if there is one.
    ///
    /// # Panics
    /// When it is no text.
    pub async fn read(&self, key: &str) -> Option<String> {
        let answer = self.s3.get_object().bucket(&self.name).key(key).send().await.ok()?;
        let bytes = answer.body.collect().await.expect("a file to its end");
        Some(String::from_utf8(bytes.to_vec()).expect("a text"))
    }

    /// Deletes a file, so that only its versions are left.
    ///
    /// # Panics
    /// When the local S3 doesn't.
    pub async fn delete(&self, key: &str) {
        let deleting = self.s3.delete_object().bucket(&self.name).key(key);
        deleting.send().await.expect("the local S3 deletes a file");
    }

    /// The keys of all versions and marks of deletions, in no order.
    ///
    /// # Panics
    /// When the local S3 doesn't answer.
    pub async fn versions(&self) -> Vec<String> {
        let listing = self.s3.list_object_versions().bucket(&self.name).send().await;
        let all = listing.expect("the local S3 lists what there is");
        let versions = all.versions().iter().filter_map(|it| it.key());
        let marks = all.delete_markers().iter().filter_map(|it| it.key());
        versions.chain(marks).map(str::to_owned).collect()
    }
}
