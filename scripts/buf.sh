# Sourced by scripts/generate and scripts/check/proto: buf and the plugins that make Go of grpcapi's proto, in fixed versions.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

buf_version=v1.75.0
protoc_gen_go_version=v1.36.12
connect_version=v1.21.1

agreed=proto/agreed.binpb # the API that hosts build on, an image of buf; relative to grpcapi
bin=$PWD/.cache/bin
tools=$bin/proto-$buf_version-$protoc_gen_go_version-$connect_version

if [ ! -x "$tools/buf" ]; then
	echo "installing buf $buf_version and its plugins (a few minutes, once)"
	rm -rf "$tools.new"
	for tool in "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go_version" \
		"connectrpc.com/connect/cmd/protoc-gen-connect-go@$connect_version" "github.com/bufbuild/buf/cmd/buf@$buf_version"; do
		GOBIN=$tools.new GOWORK=off go install "$tool"
	done
	rm -rf "$tools" && mv "$tools.new" "$tools"
fi
export PATH="$tools:$PATH"
export BUF_CACHE_DIR=$PWD/.cache/buf

# generate writes the Go of the proto under a folder, in place of what stands there.
generate() {
	rm -rf "$1/assessplanv1"
	(cd grpcapi && buf generate --output "$1")
}
