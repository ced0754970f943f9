#!/bin/sh
# Runs a real OpenSearch in the foreground: run.sh <data-dir> <http-port> <transport-port>
# The first call brings the jars and compiles the launcher; later ones start at once.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: $0 <data-dir> <http-port> <transport-port>" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)

major() {
    "$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'
}

usable() {
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ "$(major "$1")" -ge 21 ] 2>/dev/null
}

# Where a JDK of version 21 or newer is, or nothing.
find_jdk() {
    on_path=$(command -v javac || true)
    if [ -n "$on_path" ]; then
        on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
    fi
    for jdk in "${JAVA_HOME:-}" "$on_path"; do
        if usable "$jdk"; then
            echo "$jdk"
            return
        fi
    done
    for jdk in /usr/lib/jvm/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
        if usable "$jdk"; then
            echo "$(major "$jdk") $jdk"
        fi
    done | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

jdk=$(find_jdk)
if [ -z "$jdk" ]; then
    echo "OpenSearch needs a JDK, version 21 or newer: install one (Debian: openjdk-21-jdk) or point JAVA_HOME at it." >&2
    exit 1
fi

# Made under a name of its own and moved into place whole, so that two first calls at once, or one that was
# interrupted, leave nothing half made. The name changes with what it is made from.
made="$root/target/opensearch/$(cat "$here/pom.xml" "$here"/*.java | cksum | cut -d ' ' -f 1)-$(major "$jdk")"
if [ ! -d "$made" ]; then
    if ! command -v mvn >/dev/null; then
        echo "OpenSearch's jars come through Maven: install it (Debian: maven)." >&2
        exit 1
    fi
    echo "Bringing OpenSearch's jars, once (60 MB)."
    making="$made.$$"
    trap 'rm -rf "$making"' EXIT
    mkdir -p "$making/lib" "$making/classes"
    mvn --batch-mode --quiet -Dstyle.color=never --file "$here/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$making/lib" >&2
    "$jdk/bin/javac" -nowarn -proc:none -cp "$making/lib/*" -d "$making/classes" "$here"/*.java
    mv "$making" "$made"
    # Where another call was first, `mv` has put ours inside its directory.
    rm -rf "$made/$(basename "$making")"
    trap - EXIT
fi

vector=
if "$jdk/bin/java" --list-modules | grep -q '^jdk.incubator.vector@'; then
    vector="--add-modules jdk.incubator.vector"
fi

mkdir -p "$1"
# $vector is two words or none.
# shellcheck disable=SC2086
exec "$jdk/bin/java" -Xms512m -Xmx512m --enable-native-access=ALL-UNNAMED $vector \
    -cp "$made/classes:$made/lib/*" Launcher "$1" "$2" "$3"
