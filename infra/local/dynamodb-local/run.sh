#!/bin/sh
# Runs Amazon's DynamoDB Local in the foreground, its data in memory: run.sh <port>
# The first call brings the jars; later ones start at once.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 <port>" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=infra/local/jdk.sh
. "$here/../jdk.sh"

jdk=$(find_jdk)
if [ -z "$jdk" ]; then
    echo "DynamoDB Local needs a JDK, version 21 or newer: install one (Debian: openjdk-21-jdk) or point JAVA_HOME at it." >&2
    exit 1
fi

# Made under a name of its own and moved into place whole, so that a first call that was interrupted leaves nothing
# half made. The name changes with what it is made from.
made="$root/target/dynamodb-local/$(cksum <"$here/pom.xml" | cut -d ' ' -f 1)"
if [ ! -d "$made" ]; then
    if ! command -v mvn >/dev/null; then
        echo "DynamoDB Local's jars come through Maven: install it (Debian: maven)." >&2
        exit 1
    fi
    echo "Bringing DynamoDB Local's jars, once (46 MB)."
    making="$made.$$"
    trap 'rm -rf "$making"' EXIT
    mkdir -p "$making"
    mvn --batch-mode --quiet -Dstyle.color=never --file "$here/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$making" >&2
    mv "$making" "$made"
    # Where another call was first, `mv` has put ours inside its directory.
    rm -rf "${made:?}/$(basename "$making")"
    trap - EXIT
fi

exec "$jdk/bin/java" -Xmx512m --enable-native-access=ALL-UNNAMED -Djava.library.path="$made" \
    -cp "$made/*" "$here/Launcher.java" -inMemory -sharedDb -disableTelemetry -port "$1"
