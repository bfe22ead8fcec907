// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Captures of real traffic, where there are some: $NP_CORPUS, by default beside the tree.
 * Each conversation is given as a socket at the end that spoke first would have seen it.
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>

#include "test_l7.h"

#define MAX_TALKS 4096

/* A line of the corpus: some flow of FILE is this. Judged by reading the capture. */
struct expect {
	const char *file, *app, *host;
};

static struct talk talks[MAX_TALKS];
static unsigned int given[MAX_TALKS];
static size_t ntalks;

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Where IP begins in a frame; -1: not found. */
static int l3_offset(int link, const uint8_t *frame, size_t len)
{
	size_t off = 14;

	switch (link) {
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return 0;
	case DLT_NULL:
		return 4;
	case DLT_LINUX_SLL:
		return 16;
	case DLT_LINUX_SLL2:
		return 20;
	case DLT_EN10MB:
		while (len >= off + 4 && (get16(frame + off - 2) == 0x8100))
			off += 4;
		return (int)off;
	}
	return -1;
}

static void addr4(uint8_t to[16], const uint8_t *from)
{
	memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	memcpy(to + 12, from, 4);
}

/* The ends of a packet, the sender's first, and where its payload begins; false: none. */
static bool ends(const uint8_t *ip, size_t len, struct np_ev_tuple *t, size_t *payload)
{
	size_t off;

	memset(t, 0, sizeof(*t));
	if (len >= 28 && ip[0] >> 4 == 4 && !(get16(ip + 6) & 0x1fff)) {
		off = (ip[0] & 15U) * 4;
		t->proto = ip[9];
		addr4(t->laddr, ip + 12);
		addr4(t->raddr, ip + 16);
	} else if (len >= 48 && ip[0] >> 4 == 6) {
		off = 40;
		t->proto = ip[6];
		memcpy(t->laddr, ip + 8, 16);
		memcpy(t->raddr, ip + 24, 16);
	} else {
		return false;
	}
	if ((t->proto != IPPROTO_TCP && t->proto != IPPROTO_UDP) ||
	    len < off + (t->proto == IPPROTO_TCP ? 20 : 8))
		return false;
	t->lport = get16(ip + off);
	t->rport = get16(ip + off + 2);
	*payload = off + (t->proto == IPPROTO_TCP ? (ip[off + 12] >> 4) * 4U : 8);
	return true;
}

static bool same(const struct np_ev_tuple *a, const struct np_ev_tuple *b, bool reverse)
{
	const uint8_t *l = reverse ? b->raddr : b->laddr, *r = reverse ? b->laddr : b->raddr;

	return a->proto == b->proto && !memcmp(a->laddr, l, 16) && !memcmp(a->raddr, r, 16) &&
	       a->lport == (reverse ? b->rport : b->lport) &&
	       a->rport == (reverse ? b->lport : b->rport);
}

static void packet(int link, const uint8_t *frame, size_t caplen, size_t len)
{
	int off = l3_offset(link, frame, caplen);
	struct np_ev_tuple t;
	size_t payload, i;

	if (off < 0 || caplen < (size_t)off ||
	    !ends(frame + off, caplen - (size_t)off, &t, &payload))
		return;
	/* Ethernet pads short frames; the IP length tells */
	if (frame[off] >> 4 == 4 && get16(frame + off + 2) < len - (size_t)off &&
	    get16(frame + off + 2) >= 20) {
		len = (size_t)off + get16(frame + off + 2);
		caplen = caplen < len ? caplen : len;
	}
	if (len - (size_t)off <= payload || caplen - (size_t)off <= payload)
		return;
	for (i = 0; i < ntalks; i++)
		if (same(&talks[i].tuple, &t, false) || same(&talks[i].tuple, &t, true))
			break;
	if (i == MAX_TALKS)
		return;
	if (i == ntalks) {
		talks[i] = (struct talk){ .cookie = i + 1, .tuple = t };
		given[i] = 0;
		ntalks++;
	}
	if (given[i]++ >= NP_PEEK_PACKETS)
		return;
	give_raw(&talks[i], same(&talks[i].tuple, &t, false) ? NP_DIR_TX : NP_DIR_RX, frame + off,
		 caplen - (size_t)off, len - (size_t)off);
}

static const char *folder(void)
{
	const char *env = getenv("NP_CORPUS");

	return env ? env : "../shared/corpus";
}

/* False: there is no such capture. */
static bool play(const char *file)
{
	char path[4096], why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const uint8_t *frame;
	pcap_t *pcap;

	snprintf(path, sizeof(path), "%s/%s", folder(), file);
	pcap = pcap_open_offline(path, why);
	if (!pcap)
		return false;
	ntalks = 0;
	while (pcap_next_ex(pcap, &head, &frame) == 1)
		packet(pcap_datalink(pcap), frame, head->caplen, head->len);
	pcap_close(pcap);
	return true;
}

/* Whether some conversation is this; HOST NULL: whatever its host. */
static bool has(const char *app, const char *host)
{
	for (size_t i = 0; i < ntalks; i++) {
		const struct np_l7_name *name = np_l7_last(l7, i + 1);

		if (!app ? name != NULL
			 : name && !strcmp(name->app, app) && (!host || !strcmp(name->host, host)))
			return true;
	}
	return false;
}

/* APP NULL: none of the flows is to be named. */
static void check(const struct expect *e, size_t n)
{
	size_t missing = 0;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(np_l7_new(&l7, MAX_TALKS), 0);
		if (!play(e[i].file))
			missing++;
		else if (has(e[i].app, e[i].host) != !!e[i].app)
			fail_msg("%s: %s '%s'", e[i].file, e[i].app ? "no flow is" : "a flow is",
				 e[i].app ? e[i].app : "named");
		np_l7_free(l7);
		l7 = NULL;
	}
	if (missing == n) {
		print_message("no captures in %s: set NP_CORPUS to the folder that has them\n",
			      folder());
		skip();
	}
	assert_int_equal(missing, 0);
}

static void tls_with_its_server_name(void **state)
{
	static const struct expect e[] = {
		{ "apps/tls_1.2_unidirectional_client.pcapng", "tls",
		  "notifications-pa.googleapis.com" },
		{ "apps/tls_1.2_unidirectional_server.pcapng", "tls", "" },
		{ "apps/tls_2_reasms.pcapng", "tls", "i.instagram.com" },
		{ "apps/tls_malicious_sha1.pcapng", "tls", "www.prbtest.dev" },
		{ "apps/tls_missing_ch_frag.pcap", "tls",
		  "r1---sn-5f5nxgvh5o-hjul.googlevideo.com" },
		{ "apps/dns_doh.pcap", "tls", "mozilla.cloudflare-dns.com" },
		{ "apps/dns_dot.pcap", "tls", "" },
		{ "apps/google_meet.pcapng", "tls", "meet.google.com" },
		{ "apps/snapchat.pcap", "tls", "feelinsonice-hrd.appspot.com" },
		{ "apps/pops.pcapng", "pop3s", "pop.secureserver.net" },
		{ "apps/smtps.pcapng", "smtps", NULL },
		{ "apps/dtls.pcap", "dtls", "" },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

static void http_with_its_host(void **state)
{
	static const struct expect e[] = {
		{ "apps/http-lines-split.pcap", "http", "toni.lan" },
		{ "apps/http-proxy.pcapng", "http", "http.com" },
		{ "apps/http_asymmetric.pcapng", "http", "proxy.wiresharkfest.acropolis.local" },
		{ "apps/http_auth.pcap", "http", "browserspy.dk" },
		{ "apps/http_invalid_server.pcap", "http", "ocsp.rootg2.amazontrust.com" },
		{ "apps/sql_injection.pcap", "http", "192.168.3.107" },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

static void dns_with_the_name_asked_for(void **state)
{
	static const struct expect e[] = {
		{ "apps/bt-dns.pcap", "dns", "utorrent.com" },
		{ "apps/mullvad_dns.pcap", "dns", "www.mullvad.net" },
		{ "apps/dns_ambiguous_names.pcap", "dns", "teams.skype.com" },
		{ "apps/dns_ambiguous_names.pcap", "dns", "guzzoni.apple.com" },
		{ "tcpdump/dnssec.pcap", "dns", "monadic.cynic.net" },
		{ "tcpdump/LINKTYPE_IPV6.pcap", "dns", "example.com" },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

static void quic_with_its_server_name(void **state)
{
	static const struct expect e[] = {
		{ "apps/quic_q39.pcap", "quic", "s.youtube.com" },
		{ "apps/google_meet.pcapng", "quic", NULL },
		{ "apps/quic-mvfst-22_decryption_error.pcap", "quic", NULL },
		{ "apps/quic-fuzz-overflow.pcapng", "quic", NULL },
		{ "tcpdump/quic_handshake.pcap", "quic", "localhost" },
		{ "tcpdump/quic_retry.pcap", "quic", "localhost" },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

static void what_has_no_host_name(void **state)
{
	static const struct expect e[] = {
		{ "apps/custom_categories.pcapng", "ssh", "" },
		{ "tcpdump/ssh.pcap", "ssh", "" },
		{ "apps/NTPv3.pcap", "ntp", "" },
		{ "apps/NTPv4.pcap", "ntp", "" },
		{ "tcpdump/ntp.pcap", "ntp", "" },
		{ "apps/imap.pcap", "imap", "" },
		{ "apps/smtp.pcap", "smtp", "" },
		{ "apps/smtp-starttls.pcap", "smtp", "" },
		{ "apps/mqtt.pcap", "mqtt", "" },
		{ "apps/memcached.cap", "memcached", "" },
		{ "apps/mongodb.pcap", "mongodb", "" },
		{ "apps/mssql_tds.pcap", "mssql", "" },
		{ "tcpdump/resp_1_benchmark.pcap", "redis", "" },
		{ "apps/smbv1.pcap", "smb", "" },
		{ "tcpdump/nfs-write-verf-cookie.pcapng", "nfs", "" },
		{ "apps/443-opvn.pcap", "openvpn", "" },
		{ "apps/socks.pcap", "socks", "" },
		{ "apps/tftp.pcap", "tftp", "" },
		{ "apps/rdp3.pcap", "rdp", "" },
		{ "apps/sflow.pcap", "sflow", "" },
		{ "apps/zabbix.pcap", "zabbix", "" },
		{ "apps/umas.pcap", "modbus", "" },
		{ "apps/IEC104.pcap", "iec104", "" },
		{ "tcpdump/bgp-role.pcapng", "bgp", "" },
		{ "tcpdump/dhcp-rfc3004.pcap", "dhcp", "" },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

/* Protocols that are not looked for: no name is better than a wrong one. */
static void what_is_unknown_stays_so(void **state)
{
	static const struct expect e[] = {
		{ "apps/raft.pcap", NULL, NULL },     { "apps/kafka.pcapng", NULL, NULL },
		{ "apps/skinny.pcap", NULL, NULL },   { "apps/hart_ip.pcap", NULL, NULL },
		{ "apps/protobuf.pcap", NULL, NULL }, { "apps/lustre.pcapng", NULL, NULL },
		{ "apps/iax.pcap", NULL, NULL },      { "apps/tplink_shp.pcap", NULL, NULL },
		{ "apps/opc-ua.pcap", NULL, NULL },   { "apps/tls_change_cipher.pcap", NULL, NULL },
	};

	(void)state;
	check(e, sizeof(e) / sizeof(e[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_with_its_server_name),
		cmocka_unit_test(http_with_its_host),
		cmocka_unit_test(dns_with_the_name_asked_for),
		cmocka_unit_test(quic_with_its_server_name),
		cmocka_unit_test(what_has_no_host_name),
		cmocka_unit_test(what_is_unknown_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
