#!/usr/bin/env bash
# Makes temporal.pb.swift of temporal.proto. Needed only after temporal.proto has changed: the result is kept with the sources.
# Needs git and swift; installs protobuf-compiler, and builds the plugin of the version of swift-protobuf that this package uses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
../../../samples/install.sh protobuf-compiler
plugin=${PROTOC_GEN_SWIFT:-}
if [[ -z $plugin ]]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    git clone --quiet --depth 1 --branch 1.39.0 https://github.com/apple/swift-protobuf "$folder"
    swift build --package-path "$folder" --product protoc-gen-swift
    plugin=$(swift build --package-path "$folder" --show-bin-path)/protoc-gen-swift
fi
protoc --proto_path=. --plugin="protoc-gen-swift=$plugin" \
    --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true --swift_out=. temporal.proto
{
    echo "// swift-format-ignore-file"
    echo "#if Temporal"
    cat temporal.pb.swift
    echo "#endif"
} >temporal.tmp
mv temporal.tmp temporal.pb.swift
