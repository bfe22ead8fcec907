// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "meta/cgpath.h"

#define ID   "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
#define ID2  "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
#define POD  "74c13223-5a00-11e9-b385-42010a80018d"
#define POD_ "74c13223_5a00_11e9_b385_42010a80018d"
#define MD5  "0123456789abcdef0123456789abcdef"

struct row {
	const char *path, *unit, *runtime, *id, *pod;
};

static void check(const struct row *rows, size_t n)
{
	struct np_cgpath got;

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		memset(&got, 0x55, sizeof(got));
		np_cgpath_parse(&got, r->path);
		if (strcmp(got.unit, r->unit) || strcmp(got.runtime, r->runtime) ||
		    strcmp(got.container_id, r->id) || strcmp(got.pod_uid, r->pod))
			fail_msg("%s: unit '%s' runtime '%s' id '%s' pod '%s'", r->path, got.unit,
				 got.runtime, got.container_id, got.pod_uid);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void runtimes_name_their_containers(void **state)
{
	static const struct row rows[] = {
		{ "/docker/" ID, "", "docker", ID, "" },
		{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "docker", ID, "" },
		{ "/docker/" ID "/system.slice/nginx.service", "", "docker", ID, "" },
		{ "/system.slice/cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope",
		  "containerd", ID, "" },
		{ "/system.slice/nerdctl-" ID ".scope", "nerdctl-" ID ".scope", "containerd", ID,
		  "" },
		{ "/default/" ID, "", "", ID, "" },
		{ "/" ID, "", "", ID, "" },
		{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "podman",
		  ID, "" },
		{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
		  ".scope/container",
		  "user@1000.service", "podman", ID, "" },
		{ "/libpod_parent/libpod-" ID, "", "podman", ID, "" },
		{ "/libpod_parent/" ID2 "/libpod-" ID, "", "podman", ID, "" },
		{ "/libpod_parent/" ID2, "", "", "", "" },
		{ "/system.slice/web.service/libpod-payload-" ID, "web.service", "podman", ID, "" },
		{ "/system.slice/crun-web1.scope/container", "crun-web1.scope", "crun", "web1",
		  "" },
		{ "/system.slice/runc-web1.scope", "runc-web1.scope", "runc", "web1", "" },
		{ "/lxc.payload.mail", "", "lxc", "mail", "" },
		{ "/lxc.payload/mail/init.scope", "", "lxc", "mail", "" },
		{ "/lxc/101/ns/system.slice/ssh.service", "", "lxc", "101", "" },
		{ "/machine.slice/machine-my\\x2dbox.scope/payload", "machine-my\\x2dbox.scope",
		  "machined", "my-box", "" },
		{ "/ecs/task-id/" ID, "", "ecs", ID, "" },
		{ "/ecs/" MD5 "/" MD5 "-2358271065", "", "ecs", MD5 "-2358271065", "" },
		{ "/system.slice/garden.service/garden/" POD, "garden.service", "garden", POD, "" },
	};

	(void)state;
	CHECK(rows);
}

static void kubelet_paths_of_both_drivers(void **state)
{
	static const struct row rows[] = {
		{ "/kubepods/burstable/pod" POD "/" ID, "", "", ID, POD },
		{ "/kubepods/besteffort/pod" POD "/" ID, "", "", ID, POD },
		{ "/kubepods/pod" POD "/" ID, "", "", ID, POD },
		{ "/kubepods/pod" MD5 "/" ID, "", "", ID, MD5 },
		{ "/kubepods/burstable/pod" POD "/crio-" ID, "", "cri-o", ID, POD },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_
		  ".slice/cri-containerd-" ID ".scope",
		  "cri-containerd-" ID ".scope", "containerd", ID, POD },
		{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope",
		  "crio-" ID ".scope", "cri-o", ID, POD },
		{ "/kubepods.slice/kubepods-pod" MD5 ".slice/crio-" ID ".scope/container",
		  "crio-" ID ".scope", "cri-o", ID, MD5 },
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_
		  ".slice/docker-" ID ".scope",
		  "docker-" ID ".scope", "docker", ID, POD },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice",
		  "", "", "", POD },
		{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_
		  ".slice:cri-containerd:" ID,
		  "containerd.service", "containerd", ID, POD },
		{ "/../../pod" POD "/" ID, "", "", ID, POD },
	};

	(void)state;
	CHECK(rows);
}

static void innermost_container_wins(void **state)
{
	static const struct row rows[] = {
		{ "/docker/" ID "/kubelet/kubepods/burstable/pod" POD "/" ID2, "", "", ID2, POD },
		{ "/system.slice/docker-" ID ".scope/kubelet.slice/kubelet-kubepods.slice/"
		  "kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" POD_
		  ".slice/cri-containerd-" ID2 ".scope",
		  "docker-" ID ".scope", "containerd", ID2, POD },
		{ "/docker/" ID "/kubelet/kubepods/pod" POD, "", "", "", POD },
		{ "/kubepods/burstable/pod" POD "/" ID "/docker/" ID2, "", "docker", ID2, POD },
	};

	(void)state;
	CHECK(rows);
}

static void monitors_are_no_containers(void **state)
{
	static const struct row rows[] = {
		{ "/system.slice/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope", "", "",
		  "" },
		{ "/kubepods/pod" POD "/crio-conmon-" ID, "", "", "", POD },
		{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", "",
		  "" },
		{ "/libpod_parent/conmon", "", "", "", "" },
		{ "/lxc.monitor.mail", "", "", "", "" },
	};

	(void)state;
	CHECK(rows);
}

static void unit_is_the_one_that_ps_shows(void **state)
{
	static const struct row rows[] = {
		{ "/system.slice/ssh.service", "ssh.service", "", "", "" },
		{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "",
		  "", "" },
		{ "/system.slice/web.service/workers", "web.service", "", "", "" },
		{ "/system.slice/_cpu.service", "cpu.service", "", "", "" },
		{ "/system.slice/dev-disk\\x2dby.mount", "dev-disk\\x2dby.mount", "", "", "" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
		  "user@1000.service", "", "", "" },
		{ "/init.scope", "init.scope", "", "", "" },
		{ "/", "", "", "", "" },
		{ "", "", "", "", "" },
		{ "/system.slice", "", "", "", "" },
		{ "/plain/x.service", "", "", "", "" },
	};

	(void)state;
	CHECK(rows);
}

static void hostile_names_claim_nothing(void **state)
{
	static const struct row rows[] = {
		{ "/docker/../../etc", "", "", "", "" },
		{ "/system.slice/docker-..\\x2f..\\x2fetc.scope", "docker-..\\x2f..\\x2fetc.scope",
		  "", "", "" },
		{ "/system.slice/machine-a\\x2fb\\x00c\\x0a.scope",
		  "machine-a\\x2fb\\x00c\\x0a.scope", "machined", "a\\x2fb\\x00c\\x0a", "" },
		{ "/docker/" ID "0", "", "", "", "" },
		{ "/podman/pods/podcast", "", "", "", "" },
		{ "/pod" POD "x/y", "", "", "", "" },
		{ "/a/docker-/libpod-.scope/crun-.scope/:::/::", "", "", "", "" },
		{ "/lxc.payload./lxc.payload", "", "", "", "" },
		{ "//docker////" ID "//", "", "docker", ID, "" },
	};
	char path[1200] = "/lxc/";
	struct np_cgpath got;

	(void)state;
	CHECK(rows);
	memset(path + 5, 'x', 200); /* longer than a container id may be */
	np_cgpath_parse(&got, path);
	assert_string_equal(got.container_id, "");
	memset(path + 5, 'x', 1000);
	np_cgpath_parse(&got, path);
	assert_string_equal(got.container_id, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runtimes_name_their_containers),
		cmocka_unit_test(kubelet_paths_of_both_drivers),
		cmocka_unit_test(innermost_container_wins),
		cmocka_unit_test(monitors_are_no_containers),
		cmocka_unit_test(unit_is_the_one_that_ps_shows),
		cmocka_unit_test(hostile_names_claim_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
