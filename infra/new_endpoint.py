"""Writes the skeleton of an endpoint: new_endpoint.py <part> <name> [<method> <path>]

It compiles, is described in the part's document and deployed by its template. What is still missing (its row in the data
model, what only a person knows to be bad input) is named by `make test`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SKELETON = '''//! `{METHOD} {path}`: say in a line what it is for.

use api::{{Answer, Call{extra_api}, Problem}};
{extra_use}use domain::id::{ids};
use serde::Serialize;
use store::{{Store, identity::session::SignedIn}};
use utoipa::{{{extra_utoipa}ToSchema}};
{path_struct}
/// What is answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct {View} {{
    /// Who asked.
    member_id: MemberId,
}}

/// Say what it does
#[utoipa::path({method}, path = "{path}",{params}
    responses((status = 200, description = "Say what", body = {View})),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn{input}>,
) -> Result<Answer<{View}>, Problem> {{
    let session = store.session(&call.who, call.context.now).await?;
    Ok(Answer::ok({View} {{ member_id: session.member.id }}))
}}

#[cfg(test)]
mod tests {{
    use api::Context;
    use domain::{{member::Role, time::Time}};

    use super::*;

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {{
        stack::run(async {{
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let member = stack::sign_in(&store, Role::User, Time::now()).await;
            meter.take();
            let context = Context::at(Time::now());
            let call = Call {{ who: stack::caller(&member), input: {given}, context }};
            assert_eq!(handle(store, call).await.unwrap().value.member_id, member.member_id);
            stack::assert_operation("{name}", &meter.take());
        }});
    }}
}}
'''

PATH_STRUCT = '''
/// Which one.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct {Name}Path {{
{fields}}}
'''


def pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), name)


def skeleton(name: str, method: str, path: str) -> str:
    variables = re.findall(r"{(\w+)}", path)
    values = {
        "name": name, "METHOD": method.upper(), "method": method, "path": path, "View": f"{pascal(name)}View",
        "extra_api": "", "extra_use": "", "extra_utoipa": "", "path_struct": "", "params": "", "input": "", "given": "()",
        "ids": "MemberId",
    }
    if variables:
        kind = f"{pascal(name)}Path"
        kinds = {variable: variable[0].upper() + variable[1:] for variable in variables}
        fields = "".join(f"    /// Its id.\n    #[param(inline)]\n    {snake(v)}: {of},\n" for v, of in kinds.items())
        given = ", ".join(f"{snake(v)}: {of}::generate()" for v, of in kinds.items())
        values |= {
            "extra_api": ", FieldFaults, Path", "extra_use": "use deserr::Deserr;\n", "extra_utoipa": "IntoParams, ",
            "path_struct": PATH_STRUCT.format(Name=pascal(name), fields=fields), "params": f" params({kind}),",
            "input": f", Path<{kind}>", "given": f"Path({kind} {{ {given} }})",
            "ids": "{" + ", ".join(sorted({"MemberId", *kinds.values()})) + "}",
        }
    return SKELETON.format(**values)


def listed(source: str, name: str) -> str:
    """The part's lib.rs with the endpoint as a module and among its routes."""
    modules = sorted({*re.findall(r"^pub mod (\w+);$", source, re.M), name})
    first = re.search(r"(?:^pub mod \w+;\n)+", source, re.M)
    if not first:
        raise SystemExit("lib.rs names no endpoint yet: write the first one's two lines by hand.")
    source = source.replace(first[0], "".join(f"pub mod {module};\n" for module in modules))
    # One in a line, or all in one line.
    several = re.sub(r"(api::routes! \{\n[^}]*?),?\n\}", rf"\1,\n    {name},\n}}", source)
    return several if several != source else re.sub(r"(api::routes! \{[^}]*?),? \}", rf"\1, {name} }}", source)


def depends(manifest: str, crate: str) -> str:
    """The part's Cargo.toml with a crate among what it stands on."""
    line = f"{crate}.workspace = true"
    head, rest = manifest.split("[dependencies]\n", 1)
    own, *after = rest.split("\n\n", 1)
    lines = sorted({*own.strip().splitlines(), line})
    return "\n\n".join([f"{head}[dependencies]\n" + "\n".join(lines), *after]).rstrip("\n") + "\n"


def main(part: str, name: str, method: str = "get", path: str = "") -> None:
    folder = ROOT / "functions" / part
    endpoint = folder / "src" / f"{name}.rs"
    if not folder.is_dir():
        raise SystemExit(f"There is no part {part}: CONTRIBUTING.md says how one begins.")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise SystemExit(f"{name} is no name of an endpoint: words in lower case, with _ between them.")
    if endpoint.exists():
        raise SystemExit(f"{endpoint.relative_to(ROOT)} is there already.")
    path = path or f"/v1/{name.replace('_', '-')}"
    library, table = folder / "src/lib.rs", folder / "functions.yaml"
    endpoint.write_text(skeleton(name, method.lower(), path))
    library.write_text(listed(library.read_text(), name))
    if "{" in path:
        manifest = folder / "Cargo.toml"
        manifest.write_text(depends(manifest.read_text(), "deserr"))
    row = f"\n  {name}:\n    tables: {{ identity: [BatchGetItem] }}\n"
    text = table.read_text()
    # What else the part has comes after its functions.
    after = re.search(r"\n(?:#[^\n]*\n)*(?=(?:dead_letters|alarms|resources):)", text)
    at = after.start() if after else len(text)
    table.write_text(text[:at].rstrip("\n") + "\n" + row + text[at:])
    subprocess.run(["cargo", "fmt", "--package", part], cwd=ROOT, check=True)
    subprocess.run(["cargo", "run", "--quiet", "--package", "generate"], cwd=ROOT, check=True)
    print(f"{endpoint.relative_to(ROOT)} is a skeleton; say what it does. `make test` names what is still missing.")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        raise SystemExit("make new-endpoint PART=tickets NAME=get_ticket [METHOD=get ROUTE='/v1/tickets/{ticketId}']")
    main(*sys.argv[1:])
