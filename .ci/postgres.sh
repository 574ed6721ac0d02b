#!/bin/sh
# A PostgreSQL server's programs, for the tests that start one themselves. Without root or apt those tests are skipped.
set -eu
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null ||
        echo "PostgreSQL could not be installed: its tests will be skipped" >&2
fi
