# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=sh
#
# A real container for tests, by crun and a static busybox. To be sourced; root only.
#
#   crun_start NAME COMMAND [ARG...]  starts it; sets CRUN_PID (on the host), CRUN_CGROUP (below the
#                                     root of cgroup2) and CRUN_DIR; output in $CRUN_DIR/out
#   crun_stop                         ends it and removes what is left of it
#
#   CRUN_NET=private   a network namespace of its own; or the path of one; else the caller's
#   CRUN_BIND="/usr /lib /lib64 $PWD"   more directories of the host, read-only
#
# One container at a time. crun refuses a hybrid host (v1 with cgroup2 at /sys/fs/cgroup/unified), so
# it runs in a mount namespace of its own, where cgroup2 is at /sys/fs/cgroup: the same tree that
# everybody sees. "resources" stays out of config.json: the device filter needs CAP_SYS_RESOURCE.

crun_busybox() {
	for CRUN_BUSYBOX in /bin/busybox /usr/bin/busybox; do
		[ -x "$CRUN_BUSYBOX" ] && return 0
	done
	return 1
}

# For `skip` in tests: can it work here?
crun_usable() {
	[ "$(id -u)" = 0 ] && command -v crun >/dev/null && command -v unshare >/dev/null && crun_busybox
}

crun_json_words() {
	crun_sep=
	for crun_word; do
		printf '%s"%s"' "$crun_sep" "$(printf %s "$crun_word" | sed 's/[\\"]/\\&/g')"
		crun_sep=,
	done
}

crun_config() {
	case ${CRUN_NET:-} in
	'') crun_net= ;;
	private) crun_net=',{"type":"network"}' ;;
	*) crun_net=",{\"type\":\"network\",\"path\":\"$CRUN_NET\"}" ;;
	esac
	printf '{"ociVersion":"1.0.0","root":{"path":"rootfs"},"process":{"user":{"uid":0,"gid":0},'
	printf '"cwd":"/","env":["PATH=/bin:/usr/bin:/usr/sbin"],"args":[%s]},' "$(crun_json_words "$@")"
	printf '"mounts":[{"destination":"/proc","type":"proc","source":"proc"}'
	printf ',{"destination":"/dev","type":"tmpfs","source":"tmpfs"}'
	for crun_dir in ${CRUN_BIND:-}; do
		mkdir -p "$CRUN_DIR/rootfs$crun_dir"
		printf ',{"destination":"%s","type":"bind","source":"%s","options":["rbind","ro"]}' \
			"$crun_dir" "$crun_dir"
	done
	printf '],"linux":{"cgroupsPath":"/%s","namespaces":' "$CRUN_NAME"
	printf '[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}%s]}}\n' "$crun_net"
}

# crun with cgroup2 where it looks for it.
crun_run() {
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		crun --cgroup-manager=cgroupfs "$@"
	else
		# shellcheck disable=SC2016
		unshare --mount sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
			exec crun --cgroup-manager=cgroupfs "$@"' sh "$@"
	fi
}

crun_start() {
	CRUN_NAME=$1
	shift
	crun_busybox || return 1
	CRUN_DIR=$(mktemp -d) || return 1
	mkdir -p "$CRUN_DIR/rootfs/bin" "$CRUN_DIR/rootfs/proc" "$CRUN_DIR/rootfs/dev" \
		"$CRUN_DIR/rootfs/tmp"
	cp "$CRUN_BUSYBOX" "$CRUN_DIR/rootfs/bin/busybox"
	"$CRUN_DIR/rootfs/bin/busybox" --install "$CRUN_DIR/rootfs/bin"
	crun_config "$@" >"$CRUN_DIR/config.json"
	if ! crun_run run --detach --bundle "$CRUN_DIR" --pid-file "$CRUN_DIR/pid" "$CRUN_NAME" \
		</dev/null >"$CRUN_DIR/out" 2>&1; then
		cat "$CRUN_DIR/out" >&2
		crun_stop
		return 1
	fi
	CRUN_PID=$(cat "$CRUN_DIR/pid")
	# shellcheck disable=SC2034
	CRUN_CGROUP=$(sed -n 's/^0:://p' "/proc/$CRUN_PID/cgroup")
}

crun_stop() {
	[ -n "${CRUN_NAME:-}" ] || return 0
	crun_run delete --force "$CRUN_NAME" 2>/dev/null
	for crun_dir in /sys/fs/cgroup "/sys/fs/cgroup/unified"; do
		[ -d "$crun_dir/$CRUN_NAME" ] || continue
		crun_try=0
		until rmdir "$crun_dir/$CRUN_NAME" 2>/dev/null || [ "$crun_try" = 10 ]; do
			crun_try=$((crun_try + 1))
			sleep 0.1
		done
	done
	[ -n "${CRUN_DIR:-}" ] && rm -rf --one-file-system "$CRUN_DIR"
	CRUN_NAME='' CRUN_DIR='' CRUN_PID=''
}
