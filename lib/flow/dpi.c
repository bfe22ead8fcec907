// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <ndpi/ndpi_api.h>

#include "flow/dpi.h"

#if NDPI_MAJOR > 4 || NDPI_MINOR > 4
#error "nDPI changed its interface after 4.4: lib/flow/dpi.c, which alone knows it, is for 4.2"
#endif

/*
 * The protocols that are looked for, as an engineer calls them. Only these dissectors run: the
 * others are for games, brands and file sharing, cost time, take strangers' traffic for theirs, and
 * read hostile bytes. (GTP, RTP, BitTorrent and the like are left out for that: nDPI goes by a few
 * bits, or by addresses seen before.)
 */
struct app {
	uint16_t id;
	const char *name;
	uint8_t flags;
};
#define HOST                                                                                \
	1 /* has a host name; for the others the packet that tells the protocol is the last \
	   */
/* Dissectors that take too much for their own are only believed ... */
#define PORT 2 /* at the well-known port */
#define RECORD                                                                             \
	4 /* where a packet began as a TLS record does: nDPI 4.2 looks at the length alone \
	   */
static const struct app apps[] = {
	{ NDPI_PROTOCOL_HTTP, "http", HOST },
	{ NDPI_PROTOCOL_HTTP_CONNECT, "http", HOST },
	{ NDPI_PROTOCOL_HTTP_PROXY, "http", HOST },
	{ NDPI_PROTOCOL_TLS, "tls", HOST | RECORD },
	{ NDPI_PROTOCOL_DTLS, "dtls", HOST },
	{ NDPI_PROTOCOL_QUIC, "quic", HOST },
	{ NDPI_PROTOCOL_DNS, "dns", HOST },
	{ NDPI_PROTOCOL_MDNS, "mdns", HOST },
	{ NDPI_PROTOCOL_LLMNR, "llmnr", HOST },
	{ NDPI_PROTOCOL_SSH, "ssh", 0 },
	{ NDPI_PROTOCOL_NTP, "ntp", 0 },
	{ NDPI_PROTOCOL_MAIL_SMTP, "smtp", 0 },
	{ NDPI_PROTOCOL_MAIL_SMTPS, "smtps", HOST | RECORD },
	{ NDPI_PROTOCOL_MAIL_IMAP, "imap", 0 },
	{ NDPI_PROTOCOL_MAIL_IMAPS, "imaps", HOST | RECORD },
	{ NDPI_PROTOCOL_MAIL_POP, "pop3", 0 },
	{ NDPI_PROTOCOL_MAIL_POPS, "pop3s", HOST | RECORD },
	{ NDPI_PROTOCOL_FTP_CONTROL, "ftp", 0 },
	{ NDPI_PROTOCOL_TFTP, "tftp", 0 },
	{ NDPI_PROTOCOL_RSYNC, "rsync", 0 },
	{ NDPI_PROTOCOL_NFS, "nfs", 0 },
	{ NDPI_PROTOCOL_SMBV1, "smb", 0 },
	{ NDPI_PROTOCOL_SMBV23, "smb", 0 },
	{ NDPI_PROTOCOL_GIT, "git", 0 },
	{ NDPI_PROTOCOL_POSTGRES, "postgres", 0 },
	{ NDPI_PROTOCOL_MYSQL, "mysql", 0 },
	{ NDPI_PROTOCOL_MSSQL_TDS, "mssql", 0 },
	{ NDPI_PROTOCOL_ORACLE, "oracle", 0 },
	{ NDPI_PROTOCOL_DRDA, "drda", 0 },
	{ NDPI_PROTOCOL_MONGODB, "mongodb", PORT },
	{ NDPI_PROTOCOL_REDIS, "redis", 0 },
	{ NDPI_PROTOCOL_MEMCACHED, "memcached", PORT },
	{ NDPI_PROTOCOL_CASSANDRA, "cassandra", PORT },
	{ NDPI_PROTOCOL_MQTT, "mqtt", 0 },
	{ NDPI_PROTOCOL_AMQP, "amqp", 0 },
	{ NDPI_PROTOCOL_NATS, "nats", PORT },
	{ NDPI_PROTOCOL_ZMQ, "zeromq", 0 },
	{ NDPI_PROTOCOL_COAP, "coap", 0 },
	{ NDPI_PROTOCOL_LDAP, "ldap", 0 },
	{ NDPI_PROTOCOL_KERBEROS, "kerberos", 0 },
	{ NDPI_PROTOCOL_RADIUS, "radius", 0 },
	{ NDPI_PROTOCOL_DIAMETER, "diameter", 0 },
	{ NDPI_PROTOCOL_NETBIOS, "netbios", 0 },
	{ NDPI_PROTOCOL_DHCP, "dhcp", 0 },
	{ NDPI_PROTOCOL_DHCPV6, "dhcpv6", 0 },
	{ NDPI_PROTOCOL_SSDP, "ssdp", 0 },
	{ NDPI_PROTOCOL_SNMP, "snmp", 0 },
	{ NDPI_PROTOCOL_SYSLOG, "syslog", 0 },
	{ NDPI_PROTOCOL_NETFLOW, "netflow", 0 },
	{ NDPI_PROTOCOL_SFLOW, "sflow", 0 },
	{ NDPI_PROTOCOL_COLLECTD, "collectd", 0 },
	{ NDPI_PROTOCOL_ZABBIX, "zabbix", 0 },
	{ NDPI_PROTOCOL_BGP, "bgp", 0 },
	{ NDPI_PROTOCOL_WIREGUARD, "wireguard", 0 },
	{ NDPI_PROTOCOL_OPENVPN, "openvpn", 0 },
	{ NDPI_PROTOCOL_IP_IPSEC, "ipsec", 0 },
	{ NDPI_PROTOCOL_SOCKS, "socks", 0 },
	{ NDPI_PROTOCOL_STUN, "stun", 0 },
	{ NDPI_PROTOCOL_SIP, "sip", 0 },
	{ NDPI_PROTOCOL_RTSP, "rtsp", 0 },
	{ NDPI_PROTOCOL_RTMP, "rtmp", PORT },
	{ NDPI_PROTOCOL_RDP, "rdp", 0 },
	{ NDPI_PROTOCOL_VNC, "vnc", 0 },
	{ NDPI_PROTOCOL_TELNET, "telnet", 0 },
	{ NDPI_PROTOCOL_IRC, "irc", 0 },
	{ NDPI_PROTOCOL_JABBER, "xmpp", 0 },
	{ NDPI_PROTOCOL_IPP, "ipp", 0 },
	{ NDPI_PROTOCOL_AJP, "ajp", 0 },
	{ NDPI_PROTOCOL_WEBSOCKET, "websocket", 0 },
	{ NDPI_PROTOCOL_MODBUS, "modbus", 0 },
	{ NDPI_PROTOCOL_S7COMM, "s7comm", 0 },
	{ NDPI_PROTOCOL_DNP3, "dnp3", 0 },
	{ NDPI_PROTOCOL_IEC60870, "iec104", 0 },
};
#define NAPPS (sizeof(apps) / sizeof(apps[0]))

struct np_dpi {
	struct ndpi_detection_module_struct *ndpi;
};

struct np_dpi_flow {
	struct ndpi_flow_struct *ndpi;
	const struct app *app;
	bool record; /* a packet began as a TLS record does */
};

static const struct app *app_of(uint16_t id)
{
	for (size_t i = 0; i < NAPPS && id != NDPI_PROTOCOL_UNKNOWN; i++)
		if (apps[i].id == id)
			return &apps[i];
	return NULL;
}

int np_dpi_new(struct np_dpi **out)
{
	struct np_dpi *dpi = calloc(1, sizeof(*dpi));
	NDPI_PROTOCOL_BITMASK wanted;

	*out = NULL;
	if (!dpi)
		return -ENOMEM;
	/* built against the headers of another version */
	if (ndpi_detection_get_sizeof_ndpi_flow_struct() != sizeof(struct ndpi_flow_struct)) {
		free(dpi);
		return -ENOTSUP;
	}
	dpi->ndpi = ndpi_init_detection_module(ndpi_dont_load_tor_hosts);
	if (!dpi->ndpi) {
		free(dpi);
		return -ENOMEM;
	}
	/* the socket tells which way a packet went, better than ports and addresses do */
	ndpi_set_detection_preferences(dpi->ndpi, ndpi_pref_direction_detect_disable, 1);
	NDPI_BITMASK_RESET(wanted);
	for (size_t i = 0; i < NAPPS; i++)
		NDPI_BITMASK_ADD(wanted, apps[i].id);
	ndpi_set_protocol_detection_bitmask2(dpi->ndpi, &wanted);
	ndpi_finalize_initialization(dpi->ndpi);
	*out = dpi;
	return 0;
}

void np_dpi_free(struct np_dpi *dpi)
{
	if (!dpi)
		return;
	ndpi_exit_detection_module(dpi->ndpi);
	free(dpi);
}

struct np_dpi_flow *np_dpi_flow_new(void)
{
	struct np_dpi_flow *flow = calloc(1, sizeof(*flow));

	if (flow)
		flow->ndpi = ndpi_calloc(1, sizeof(*flow->ndpi));
	if (flow && !flow->ndpi) {
		free(flow);
		flow = NULL;
	}
	return flow;
}

void np_dpi_flow_free(struct np_dpi_flow *flow)
{
	if (!flow)
		return;
	ndpi_free_flow(flow->ndpi);
	free(flow);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t l4_offset(const uint8_t *packet)
{
	return packet[0] >> 4 == 4 ? (packet[0] & 15U) * 4 : 40;
}

static bool is_udp(const uint8_t *packet)
{
	return packet[packet[0] >> 4 == 4 ? 9 : 6] == IPPROTO_UDP;
}

/* What was cut short, or merged by GSO and GRO, has lengths that nDPI would refuse. */
static void true_lengths(uint8_t *packet, size_t len)
{
	size_t l4 = l4_offset(packet);

	if (packet[0] >> 4 == 4)
		put16(packet + 2, len);
	else
		put16(packet + 4, len - l4);
	if (is_udp(packet))
		put16(packet + l4 + 4, len - l4);
}

/* change_cipher_spec to heartbeat, SSL 3.0 to TLS 1.3: RFC 8446, 5.1 */
static bool is_record(const uint8_t *packet, size_t len)
{
	size_t at = l4_offset(packet);

	if (is_udp(packet))
		return false;
	at += (packet[at + 12] >> 4) * 4U;
	return len >= at + 3 && packet[at] >= 20 && packet[at] <= 24 && packet[at + 1] == 3 &&
	       packet[at + 2] <= 4;
}

/*
 * The carrier's name, not the brand's: "TLS.Google" is tls. NetBIOS carries what is better known by
 * its own name.
 */
static void take(struct np_dpi_flow *flow, ndpi_protocol found)
{
	const struct app *app = app_of(found.master_protocol);

	if (!app || (app->id == NDPI_PROTOCOL_NETBIOS && app_of(found.app_protocol)))
		app = app_of(found.app_protocol);
	if (app && (!(app->flags & PORT) || flow->ndpi->guessed_protocol_id == app->id) &&
	    (!(app->flags & RECORD) || flow->record))
		flow->app = app;
}

bool np_dpi_packet(struct np_dpi *dpi, struct np_dpi_flow *flow, const uint8_t *packet, size_t len,
		   bool tx, uint64_t ms)
{
	/* of its exact size: reading beyond it is an error that a sanitizer or valgrind sees */
	uint8_t *copy = len <= NP_DPI_PACKET_MAX ? malloc(len) : NULL;

	if (!copy)
		return false;
	memcpy(copy, packet, len);
	true_lengths(copy, len);
	flow->record = flow->record || is_record(copy, len);
	flow->ndpi->packet_direction = tx;
	take(flow, ndpi_detection_process_packet(dpi->ndpi, flow->ndpi, copy, (uint16_t)len, ms));
	free(copy);
	/*
	 * Dissectors share a union of pointers, text and numbers. What one that failed has left
	 * there is not to be freed as another's pointers (ndpi_free_flow_data() of 4.2).
	 */
	if (!flow->ndpi->detected_protocol_stack[0])
		memset(&flow->ndpi->protos, 0, sizeof(flow->ndpi->protos));
	if (flow->app)
		return !(flow->app->flags & HOST) || flow->ndpi->host_server_name[0];
	/* no dissector is left, or the one that took it is not believed */
	return flow->ndpi->fail_with_unknown || flow->ndpi->detected_protocol_stack[0];
}

void np_dpi_last(struct np_dpi *dpi, struct np_dpi_flow *flow, bool by_port)
{
	uint8_t guessed = 0;

	if (flow->app)
		return;
	take(flow, ndpi_detection_giveup(dpi->ndpi, flow->ndpi, 0, &guessed));
	/* its own guessing also looks into lists of addresses */
	if (!flow->app && by_port)
		flow->app = app_of(flow->ndpi->guessed_protocol_id);
}

const char *np_dpi_app(const struct np_dpi_flow *flow)
{
	return flow->app ? flow->app->name : "";
}

const char *np_dpi_host(const struct np_dpi_flow *flow)
{
	return flow->app && flow->app->flags & HOST ? flow->ndpi->host_server_name : "";
}
