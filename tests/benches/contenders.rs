//! The programs that are measured, built and installed under `target/bench`.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::runtime_api::Function;

use crate::tls::TlsEnd;

/// Anything that goes wrong ends the benchmark with its sentence.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One function that is measured, and its way to the local cloud.
#[derive(Clone)]
pub struct Contender {
    /// What the table calls it.
    pub name: &'static str,
    /// Whether TLS is on the way.
    pub over_tls: bool,
    /// Whether it answers `GET /v1/events/{eventId}`, so that its warm work can be compared.
    pub reads_event: bool,
    /// The size of its deployment package, in bytes.
    pub zip: u64,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    cloud: String,
    trust: Vec<(&'static str, PathBuf)>,
    amazon_alone: bool,
}

/// Ours: one that reads, one that searches, one that buys. A release link takes half a minute each.
const OURS: [(&str, &str); 3] =
    [("catalog", "get_event"), ("catalog", "search_events"), ("payments", "create_payment")];

/// Mozilla's roots, as they come with Python's SDK.
const MOZILLA_ROOTS: &str = "python/packages/botocore/cacert.pem";

/// Nobody signs in here; the functions that would check it want a key all the same (RFC 7515, A.3).
const PUBLIC_KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"bench",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

impl Contender {
    fn new(name: &'static str, zip: u64, program: PathBuf) -> Result<Self> {
        Ok(Self {
            name,
            over_tls: false,
            reads_event: true,
            zip,
            program,
            arguments: Vec::new(),
            cloud: env::var("AWS_ENDPOINT_URL")?,
            trust: Vec::new(),
            amazon_alone: false,
        })
    }

    /// The same function with TLS on the way.
    fn over(&self, tls: &TlsEnd) -> Result<Self> {
        let mut encrypted = Self {
            over_tls: true,
            cloud: tls.url.clone(),
            trust: vec![
                // Python's SDK and Go's.
                ("AWS_CA_BUNDLE", tls.roots.clone()),
                // Our client for OpenSearch reads the system's roots.
                ("SSL_CERT_FILE", tls.roots.clone()),
                // Node has Mozilla's roots inside.
                ("NODE_EXTRA_CA_CERTS", tls.root.clone()),
            ],
            ..self.clone()
        };
        if self.amazon_alone {
            encrypted.program = self.program.with_extension("tls");
            tls.trusted_by(&self.program, &encrypted.program)?;
        }
        Ok(encrypted)
    }

    /// Starts it with the environment that Lambda would give it, and waits until it asks for work.
    pub async fn start(&self) -> Result<(Function, Duration)> {
        let mut program = Command::new(&self.program);
        let prefix = stack::prefix();
        program
            .args(&self.arguments)
            .stdout(File::options().append(true).create(true).open(place().join("log"))?)
            .env_clear()
            .env("PATH", env::var("PATH")?)
            .env("RUST_LOG", "info")
            .env("AWS_REGION", "ap-northeast-2")
            .env("AWS_DEFAULT_REGION", "ap-northeast-2")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", &self.cloud)
            .envs(self.trust.iter().cloned())
            .env("NODE_NO_WARNINGS", "1")
            .env("STAGE", "bench")
            .env("TABLE_PREFIX", prefix)
            .env("OPENSEARCH_URL", &self.cloud)
            .env("JWT_PUBLIC_KEYS", PUBLIC_KEYS)
            .env("HOLD_SECONDS", "900")
            .env("CURSOR_SECRET_ID", "none")
            .env("KAKAOPAY_SECRET_ID", "none")
            .env("KAKAOPAY_URL", "http://127.0.0.1:9")
            .env("KAKAOPAY_CID", "TC0ONETIME")
            .env("HOLD_QUEUE_URL", "http://127.0.0.1:9/hold")
            .env("RECONCILE_QUEUE_URL", "http://127.0.0.1:9/reconcile")
            .env("PUBLIC_URL", "http://127.0.0.1:3000");
        let function = Function::start(self.name, program).await?;
        match function.ready().await {
            Ok(cold) => Ok((function, cold)),
            Err(cause) => Err(format!("{}: {cause}; see target/bench/log", self.name).into()),
        }
    }
}

/// Builds ours with the release profile and what the others need. Each comes twice, the second time with TLS on its way.
pub async fn prepare() -> Result<Vec<Contender>> {
    fs::create_dir_all(place())?;
    let mut plain = ours()?;
    plain.extend([go()?, node()?, python()?]);
    let cloud = env::var("AWS_ENDPOINT_URL")?;
    let tls = TlsEnd::before(&cloud, &place(), &place().join(MOZILLA_ROOTS)).await?;
    let mut contenders = Vec::new();
    for contender in plain {
        let encrypted = contender.over(&tls)?;
        contenders.extend([contender, encrypted]);
    }
    Ok(contenders)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where it is built, and what is left of it.
pub fn place() -> PathBuf {
    root().join("target/bench")
}

fn ours() -> Result<Vec<Contender>> {
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(root()).args(["build", "--release", "--locked"]);
    for (part, function) in OURS {
        build.args(["-p", part, "--bin", function]);
    }
    done(&mut build)?;
    let target = env::var("CARGO_TARGET_DIR").map_or_else(|_| root().join("target"), PathBuf::from);
    let mut contenders = Vec::new();
    for (_, name) in OURS {
        let program = place().join(name).join("bootstrap");
        fs::create_dir_all(place().join(name))?;
        fs::copy(target.join("release").join(name), &program)?;
        let zip = zip(&program)?;
        let contender = Contender::new(name, zip, program)?;
        let reads_event = name == "get_event";
        contenders.push(Contender { reads_event, amazon_alone: true, ..contender });
    }
    Ok(contenders)
}

fn go() -> Result<Contender> {
    let program = place().join("go/bootstrap");
    // The flags that AWS advises for `provided.al2023`.
    done(
        Command::new("go")
            .current_dir(root().join("tests/benches/handlers/go"))
            .env("CGO_ENABLED", "0")
            .args(["build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w", "-o"])
            .arg(&program),
    )?;
    Contender::new("Go 1.26, AWS SDK v2", zip(&program)?, program)
}

fn node() -> Result<Contender> {
    let place = place().join("node");
    fs::create_dir_all(&place)?;
    for file in ["package.json", "get_event.js"] {
        fs::copy(root().join("tests/benches/handlers/node").join(file), place.join(file))?;
    }
    done(Command::new("npm").current_dir(&place).args([
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
    ]))?;
    done(Command::new(place.join("node_modules/.bin/esbuild")).current_dir(&place).args([
        "get_event.js",
        "--bundle",
        "--minify",
        "--platform=node",
        "--target=node20",
        "--outfile=index.js",
        "--log-level=error",
    ]))?;
    let program = place.join("index.js");
    let zip = zip(&program)?;
    let contender = Contender::new("Node 20, AWS SDK v3", zip, "node".into())?;
    Ok(Contender { arguments: vec![program], ..contender })
}

fn python() -> Result<Contender> {
    let place = place().join("python");
    let handlers = root().join("tests/benches/handlers/python");
    let packages = place.join("packages");
    let requirements = handlers.join("requirements.txt");
    // Lambda's image brings boto3; a pinned one is packed with the function all the same, as AWS advises.
    if !packages.exists() {
        let pip = ["-m", "pip", "install", "-qqq", "--target"];
        done(Command::new("python3").args(pip).arg(&packages).arg("-r").arg(requirements))?;
    }
    let program = packages.join("get_event.py");
    fs::copy(handlers.join("get_event.py"), &program)?;
    let zip = zip(&packages)?;
    let contender = Contender::new("Python 3, boto3", zip, "python3".into())?;
    Ok(Contender { arguments: vec![program], ..contender })
}

/// The size of a file or folder as a deployment package.
fn zip(what: &Path) -> Result<u64> {
    let archive = what.with_extension("zip");
    done(Command::new("python3").args(["-m", "zipfile", "-c"]).arg(&archive).arg(what))?;
    Ok(fs::metadata(archive)?.len())
}

fn done(command: &mut Command) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}").into()),
        Err(error) => Err(format!("{command:?} can't be started: {error}").into()),
    }
}
