// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "test_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "meta/container.h"

#define ID   "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
#define ID12 "4f797c539e6c"
#define ID2  "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
#define POD  "74c13223-5a00-11e9-b385-42010a80018d"
#define KUBE "/kubepods/burstable/pod" POD "/" ID

#define TASKS "run/containerd/io.containerd.runtime.v2.task"

static struct np_container who;

static bool find(const char *path)
{
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct np_cgpath cg;
	bool named;

	assert_true(fd >= 0);
	np_cgpath_parse(&cg, path);
	named = np_container_find(&who, fd, path, &cg);
	close(fd);
	return named;
}

static void is(const char *runtime, const char *name, const char *pod, const char *ns)
{
	assert_string_equal(who.runtime, runtime);
	assert_string_equal(who.name, name);
	assert_string_equal(who.pod, pod);
	assert_string_equal(who.pod_namespace, ns);
}

static void containerd_annotations(void **state)
{
	(void)state;
	root_write(TASKS "/k8s.io/" ID "/config.json",
		   "{\"ociVersion\":\"1.0.2\",\"annotations\":{"
		   "\"io.kubernetes.cri.container-name\":\"app\","
		   "\"io.kubernetes.cri.container-type\":\"container\","
		   "\"io.kubernetes.cri.sandbox-name\":\"web-7d9\","
		   "\"io.kubernetes.cri.sandbox-namespace\":\"shop\"}}");
	assert_true(find(KUBE));
	is("containerd", "app", "web-7d9", "shop");
	assert_string_equal(who.pod_uid, POD);
	assert_string_equal(who.id, ID);
}

static void containerd_sandbox_is_called_pod(void **state)
{
	(void)state;
	root_write(TASKS "/k8s.io/" ID "/config.json",
		   "{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\","
		   "\"io.kubernetes.cri.sandbox-name\":\"web\"}}");
	assert_true(find(KUBE));
	is("containerd", "POD", "web", "");
}

static void nerdctl_name_in_any_namespace(void **state)
{
	(void)state;
	root_write(TASKS "/mine/" ID "/config.json",
		   "{\"annotations\":{\"nerdctl/name\":\"cache\",\"nerdctl/namespace\":\"mine\"}}");
	assert_true(find("/system.slice/nerdctl-" ID ".scope"));
	is("containerd", "cache", "", "");
	assert_true(find("/mine/" ID));
	is("containerd", "cache", "", "");
}

static void containerd_namespace_by_path(void **state)
{
	(void)state;
	root_write(TASKS "/default/redis/config.json",
		   "{\"linux\":{\"cgroupsPath\":\"/default/redis\"}}");
	assert_false(find("/default/redis"));
	is("containerd", "redis", "", "");
	assert_string_equal(who.id, "redis");
	find("/other/redis");
	is("", "", "", "");
}

static void crio_annotations(void **state)
{
	(void)state;
	root_write("run/containers/storage/overlay-containers/" ID "/userdata/config.json",
		   "{\"annotations\":{\"io.kubernetes.container.name\":\"app\","
		   "\"io.kubernetes.cri-o.ContainerName\":\"k8s_app_web_shop_uid_0\","
		   "\"io.kubernetes.pod.name\":\"web\",\"io.kubernetes.pod.namespace\":\"shop\"}}");
	assert_true(find("/kubepods/pod" POD "/crio-" ID));
	is("cri-o", "app", "web", "shop");
	assert_true(find(KUBE)); /* the path does not say whose it is, the files do */
	is("cri-o", "app", "web", "shop");
}

static void podman_names(void **state)
{
	(void)state;
	root_write("var/lib/containers/storage/overlay-containers/" ID "/userdata/config.json",
		   "{\"annotations\":{\"io.container.manager\":\"libpod\"}}");
	root_write("var/lib/containers/storage/overlay-containers/containers.json",
		   "[{\"id\":\"" ID2 "\",\"names\":[\"db\"]},{\"id\":\"" ID
		   "\",\"names\":[\"web\"]}]");
	assert_true(find("/machine.slice/libpod-" ID ".scope/container"));
	is("podman", "web", "", "");
}

static void podman_run_rm(void **state)
{
	(void)state;
	root_write("var/lib/containers/storage/overlay-containers/volatile-containers.json",
		   "[{\"id\":\"" ID "\",\"names\":[\"once\"]}]");
	assert_true(find("/machine.slice/libpod-" ID ".scope"));
	is("podman", "once", "", "");
}

static void podman_rootless(void **state)
{
	(void)state;
	root_write("etc/passwd",
		   "root:x:0:0::/root:/bin/sh\nbroken line\nann:x:1000:1::/home/ann:\n");
	root_write("home/ann/.local/share/containers/storage/overlay-containers/containers.json",
		   "[{\"id\":\"" ID "\",\"names\":[\"web\"]}]");
	assert_true(find("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
			 ".scope/container"));
	is("podman", "web", "", "");
	assert_false(
	    find("/user.slice/user-1001.slice/user@1001.service/user.slice/libpod-" ID ".scope"));
	is("podman", ID12, "", "");
}

static void docker_names(void **state)
{
	(void)state;
	root_write("var/lib/docker/containers/" ID "/config.v2.json",
		   "{\"ID\":\"" ID "\",\"Name\":\"/web\",\"Config\":{\"Labels\":{}}}");
	assert_true(find("/docker/" ID));
	is("docker", "web", "", "");
	assert_true(find("/my-parent/" ID));
	is("docker", "web", "", "");
}

static void docker_labels_of_kubernetes(void **state)
{
	(void)state;
	root_write("var/lib/docker/containers/" ID "/config.v2.json",
		   "{\"Name\":\"/k8s_app_web_shop_0\",\"Config\":{\"Labels\":{"
		   "\"io.kubernetes.container.name\":\"app\",\"io.kubernetes.pod.name\":\"web\","
		   "\"io.kubernetes.pod.namespace\":\"shop\"}}}");
	assert_true(find(KUBE));
	is("docker", "app", "web", "shop");
}

static void by_hand_only_with_the_runtimes_word(void **state)
{
	(void)state;
	root_write("run/crun/web1/status", "{\"pid\":1,\"cgroup-path\":\"/web1\"}");
	root_write("run/runc/web2/state.json",
		   "{\"id\":\"web2\",\"cgroup_paths\":{\"\":\"/sys/fs/cgroup/web2\"}}");
	find("/web1");
	is("crun", "web1", "", "");
	assert_string_equal(who.id, "web1");
	find("/web2");
	is("runc", "web2", "", "");
	find("/web1/system.slice/ssh.service"); /* a systemd in it */
	is("crun", "web1", "", "");
	find("/other/web1");
	is("", "", "", "");
	find("/system.slice/web1");
	is("", "", "", "");
	find("/web3");
	is("", "", "", "");
	find("/");
	is("", "", "", "");
}

static void by_hand_rootless(void **state)
{
	static const char path[] = "/user.slice/user-7.slice/user@7.service/web";

	(void)state;
	root_write("run/user/7/crun/web/status",
		   "{\"cgroup-path\":\"/user.slice/user-7.slice/user@7.service/web\"}");
	find(path);
	is("crun", "web", "", "");
}

static void kubelet_log_names(void **state)
{
	(void)state;
	root_write("var/log/containers/web-1_shop_my-app-" ID ".log", "");
	root_write("var/log/containers/none-" ID ".log", "");
	root_write("var/log/containers/web-2_shop_my-app-" ID2 ".log", "");
	assert_true(find(KUBE));
	is("", "my-app", "web-1", "shop");
}

static void kubelet_pod_directory(void **state)
{
	(void)state;
	root_write("var/log/pods/shop_web_" POD "/app/0.log", "");
	root_write("var/log/pods/shop_other_x/app/0.log", "");
	assert_true(find(KUBE));
	is("", "app", "web", "shop");
	root_write("var/log/pods/shop_web_" POD "/sidecar/0.log", "");
	assert_false(find(KUBE));
	is("", ID12, "web", "shop"); /* one of two: it cannot be told which */
}

static void unknown_is_the_short_id(void **state)
{
	(void)state;
	assert_false(find("/docker/" ID));
	is("docker", ID12, "", "");
	assert_false(find("/lxc/mail"));
	is("lxc", "mail", "", "");
	assert_false(find("/system.slice/ssh.service"));
	is("", "", "", "");
}

static void hostile_ids_open_nothing(void **state)
{
	(void)state;
	assert_true(np_container_id_ok("web_1.x-y"));
	assert_false(np_container_id_ok(""));
	assert_false(np_container_id_ok(".."));
	assert_false(np_container_id_ok(".hidden"));
	assert_false(np_container_id_ok("a/b"));
	assert_false(np_container_id_ok("a\nb"));
	root_write("run/crun/x/status", "{\"cgroup-path\":\"/lxc/../../run/crun/x\"}");
	find("/lxc/../../run/crun/x");
	assert_string_not_equal(who.runtime, "crun");
}

static void links_stay_below_the_root(void **state)
{
	(void)state;
	root_write("outside.json", "{\"Name\":\"/stolen\"}");
	root_path("var/lib/docker/containers/" ID "/x");
	assert_int_equal(
	    symlink("/outside.json", root_path("var/lib/docker/containers/" ID "/config.v2.json")),
	    0);
	assert_false(find("/docker/" ID)); /* the file itself may not be a link */
	if (syscall(SYS_openat2, -1, "", NULL, (size_t)0) < 0 && errno == ENOSYS)
		skip(); /* before 5.6 absolute links lead to the real root */
	assert_int_equal(unlink(root_path("var/lib/docker/containers/" ID "/config.v2.json")), 0);
	assert_int_equal(rmdir(root_path("var/lib/docker/containers/" ID)), 0);
	assert_int_equal(rmdir(root_path("var/lib/docker/containers")), 0);
	root_write("data/docker/" ID "/config.v2.json", "{\"Name\":\"/moved\"}");
	assert_int_equal(symlink("/data/docker", root_path("var/lib/docker/containers")), 0);
	assert_true(find("/docker/" ID)); /* an absolute link on the way is one of the root's */
	is("docker", "moved", "", "");
}

static void fifo_does_not_block(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(root_path("var/lib/docker/containers/" ID "/config.v2.json"), 0644),
			 0);
	assert_false(find("/docker/" ID));
	/* a directory where a file should be */
	assert_int_equal(mkdir(root_path("run/crun/web/status"), 0755), 0);
	find("/web");
	is("", "", "", "");
}

static void broken_json_is_no_name(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"null",
		"[]",
		"42",
		"\"x\"",
		"{\"Name\":",
		"{\"Name\":7,\"Config\":[]}",
		"{\"Name\":\"\"}",
		"{\"Name\":\"/\"}",
		"{\"Name\":\"a\\u0000b\"}",
		"{\"Name\":\"\xff\"}",
		"{\"Config\":{\"Labels\":{\"io.kubernetes.pod.name\":{}}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		root_write("var/lib/docker/containers/" ID "/config.v2.json", texts[i]);
		assert_false(find("/docker/" ID));
		is("docker", ID12, "", "");
		np_oci_config(&who, texts[i], strlen(texts[i]));
		assert_false(np_oci_storage(&who, texts[i], strlen(texts[i])));
		assert_false(np_oci_owns(texts[i], strlen(texts[i]), "/"));
	}
}

static void huge_and_deep_json_is_bounded(void **state)
{
	size_t size = 3u << 20;
	char *text = malloc(size + 1);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	memcpy(text, "{\"Name\":\"/x\"}", 13);
	text[size] = '\0';
	root_write("var/lib/docker/containers/" ID "/config.v2.json", text);
	assert_false(find("/docker/" ID)); /* over the bound, whatever it says */
	memset(text, '[', size);
	assert_false(np_oci_config(&who, text, size));
	memset(text, 'n', size);
	memcpy(text, "{\"Name\":\"", 9);
	memcpy(text + 900000, "\"}", 3);
	root_write("var/lib/docker/containers/" ID "/config.v2.json", text);
	assert_true(find("/docker/" ID)); /* a name too long is cut */
	assert_int_equal(strlen(who.name), sizeof(who.name) - 1);
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, root_make, root_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(containerd_annotations),
		TEST(containerd_sandbox_is_called_pod),
		TEST(nerdctl_name_in_any_namespace),
		TEST(containerd_namespace_by_path),
		TEST(crio_annotations),
		TEST(podman_names),
		TEST(podman_run_rm),
		TEST(podman_rootless),
		TEST(docker_names),
		TEST(docker_labels_of_kubernetes),
		TEST(by_hand_only_with_the_runtimes_word),
		TEST(by_hand_rootless),
		TEST(kubelet_log_names),
		TEST(kubelet_pod_directory),
		TEST(unknown_is_the_short_id),
		TEST(hostile_ids_open_nothing),
		TEST(links_stay_below_the_root),
		TEST(fifo_does_not_block),
		TEST(broken_json_is_no_name),
		TEST(huge_and_deep_json_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
