# For the scripts that run a Java server: `find_jdk` says where a JDK of version 21 or newer is, or nothing.

major() {
    "$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'
}

usable() {
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ "$(major "$1")" -ge 21 ] 2>/dev/null
}

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
