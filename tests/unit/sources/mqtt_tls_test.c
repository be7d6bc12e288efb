/* The MQTT source over TLS, with a certificate authority of the test's own. */
#undef NDEBUG
#include "broker.h"
#include "observability/metrics.h"
#include "rig.h"
#include "sources/mqtt_tls.h"

#include <openssl/ssl.h>

#include <stdio.h>
#include <string.h>

/* Names and addresses of the server's certificate: broker.test, and not 127.0.0.1. */
static const char make_certificates[] =
    "new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';"
    "for ca in ca other; do $new -x509 -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem; done;"
    "printf 'subjectAltName=DNS:broker.test' >names;"
    "for who in server client; do"
    "  $new -subj /CN=$who -keyout $who.key -out $who.csr;"
    "  openssl x509 -req -days 2 -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial"
    "    -extfile names -out $who.pem;"
    "done";

static const char tls_broker[] = "allow_anonymous true\n"
                                 "cafile ca.pem\ncertfile server.pem\nkeyfile server.key\n"
                                 "max_inflight_messages 0\nmax_queued_messages 0\n";

struct fixture {
    struct broker broker;
    struct rig rig;
    char ca[96], cert[96], key[96];
    char name[32];
};

static char *
fixture_path(struct fixture *f, char to[96], const char *file)
{
    (void)snprintf(to, 96, "%s/%s", f->broker.folder, file);
    return to;
}

static void
fixture_begin(struct fixture *f, const char *extra)
{
    char config[1024];
    *f = (struct fixture){.name = "broker.test"};
    broker_init(&f->broker);
    broker_run(&f->broker, make_certificates);
    (void)snprintf(config, sizeof config, "%s%s", tls_broker, extra);
    broker_start(&f->broker, config);
    f->broker.is_tls = true;
    rig_init(&f->rig, f->broker.port);
    f->rig.config.broker.tls.is_on = true;
    f->rig.config.broker.tls.ca_file = fixture_path(f, f->ca, "ca.pem");
    f->rig.config.broker.tls.server_name = f->name;
    f->rig.stores_at_once = true;
    rig_subscribe(&f->rig, "a");
}

static void
fixture_end(struct fixture *f)
{
    rig_fini(&f->rig);
    broker_fini(&f->broker);
}

static void
check_delivery(struct fixture *f)
{
    rig_up(&f->rig);
    broker_publish(&f->broker, "a", "x", 1);
    RIG_WAIT(&f->rig, rig_has_message(&f->rig, "a", "x"));
    fixture_end(f);
}

static void
test_mqtt_tls_with_its_authority_delivers(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    check_delivery(&f);
}

static void
test_mqtt_tls_version_3_delivers(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    f.rig.config.mqtt.is_v5 = false;
    check_delivery(&f);
}

static void
test_mqtt_tls_1_2_delivers(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "tls_version tlsv1.2\n");
    check_delivery(&f);
}

static void
check_refusal(struct fixture *f, const char *why)
{
    rig_start(&f->rig);
    RIG_WAIT(&f->rig, rig_says(&f->rig, why));
    assert_false(rig_is_up(&f->rig));
    fixture_end(f);
}

static void
test_mqtt_tls_of_another_authority_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    f.rig.config.broker.tls.ca_file = fixture_path(&f, f.ca, "other.pem");
    check_refusal(&f, "down source plant: the broker's certificate is not accepted: self-signed "
                      "certificate in certificate chain");
}

static void
test_mqtt_tls_for_another_name_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    (void)snprintf(f.name, sizeof f.name, "other.test");
    check_refusal(&f,
                  "down source plant: the broker's certificate is not accepted: hostname mismatch");
}

/* Without server_name the URL's host counts, 127.0.0.1. */
static void
test_mqtt_tls_for_another_address_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    f.name[0] = '\0';
    check_refusal(
        &f, "down source plant: the broker's certificate is not accepted: IP address mismatch");
}

static void
test_mqtt_tls_unverified_delivers(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    f.rig.config.broker.tls.ca_file = fixture_path(&f, f.ca, "other.pem");
    f.rig.config.broker.tls.is_verified = false;
    f.name[0] = '\0';
    check_delivery(&f);
}

static void
test_mqtt_tls_client_certificate_is_asked_for(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "require_certificate true\n");
    rig_start(&f.rig);
    RIG_WAIT(&f.rig, rig_says(&f.rig, "down source plant: the TLS connection failed: "));
    assert_true(rig_says(&f.rig, "certificate required"));
    rig_end(&f.rig);
    f.rig.config.broker.tls.cert_file = fixture_path(&f, f.cert, "client.pem");
    f.rig.config.broker.tls.key_file = fixture_path(&f, f.key, "client.key");
    rig_up(&f.rig);
    fixture_end(&f);
}

static void
test_mqtt_tls_to_a_broker_without_it_is_said(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    broker_stop(&f.broker);
    broker_start(&f.broker, "allow_anonymous true\n");
    f.rig.config.broker.port = f.broker.port;
    check_refusal(&f, "down source plant: the TLS connection broke\n");
}

static void
test_plain_mqtt_to_a_broker_with_tls_is_said(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    f.rig.config.broker.tls.is_on = false;
    check_refusal(&f, "down source plant: the broker closed the connection before it answered");
}

/* More than the gate holds, much of it in one TLS record: what is decrypted already is not
 * forgotten. */
static void
test_mqtt_tls_burst_arrives_as_the_log_stores(void **state)
{
    enum { BURST = 2000 };
    struct fixture f;
    char id[] = "burst";
    (void)state;
    fixture_begin(&f, "");
    f.rig.config.mqtt.client_id = id;
    f.rig.stores_at_once = false;
    rig_up(&f.rig);
    rig_end(&f.rig);
    broker_publish_many(&f.broker, "a", BURST);
    rig_start(&f.rig);
    while (f.rig.messages_length < BURST) {
        size_t before = f.rig.messages_length;
        RIG_WAIT(&f.rig, f.rig.messages_length > before);
        rig_store(&f.rig);
    }
    for (size_t i = 0; i < BURST; i++) {
        char payload[16];
        (void)snprintf(payload, sizeof payload, "%zu", i);
        assert_string_equal(f.rig.messages[i].payload, payload);
    }
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_RECONNECTS), 0);
    fixture_end(&f);
}

static void
test_mqtt_tls_broker_restart_reconnects(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f, "");
    rig_up(&f.rig);
    broker_stop(&f.broker);
    RIG_WAIT(&f.rig, !rig_is_up(&f.rig));
    broker_restart(&f.broker);
    RIG_WAIT(&f.rig, rig_is_up(&f.rig));
    broker_publish(&f.broker, "a", "x", 1);
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "a", "x"));
    fixture_end(&f);
}

/* What a hello to `name` holds; libmosquitto has asked for the address it connects to. */
static bool
hello_holds(char *name, const char *words)
{
    static char none[] = "";
    const struct config_broker broker = {.host = name,
                                         .tls = {.is_on = true,
                                                 .ca_file = none,
                                                 .cert_file = none,
                                                 .key_file = none,
                                                 .server_name = none,
                                                 .is_verified = true}};
    char text[TLS_TEXT_SIZE] = "", connected_to[] = "192.0.2.1", *hello = NULL;
    struct mqtt_tls *tls = NULL;
    assert_int_equal(mqtt_tls_new(&broker, text, &tls), 0);
    SSL *ssl = SSL_new(mqtt_tls_context(tls));
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    assert_true(ssl != NULL && in != NULL && out != NULL);
    SSL_set_bio(ssl, in, out);
    assert_int_equal(SSL_set_tlsext_host_name(ssl, connected_to), 1);
    assert_int_equal(SSL_connect(ssl), -1);
    size_t size = (size_t)BIO_get_mem_data(out, &hello);
    bool is_held = memmem(hello, size, words, strlen(words)) != NULL;
    SSL_free(ssl);
    mqtt_tls_free(tls);
    return is_held;
}

static void
test_mqtt_tls_hello_asks_for_the_name(void **state)
{
    char name[] = "broker.test", address[] = "192.0.2.1";
    (void)state;
    assert_true(hello_holds(name, "broker.test"));
    assert_false(hello_holds(name, "192.0.2.1"));
    assert_false(hello_holds(address, "192.0.2.1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mqtt_tls_hello_asks_for_the_name),
        cmocka_unit_test(test_mqtt_tls_with_its_authority_delivers),
        cmocka_unit_test(test_mqtt_tls_version_3_delivers),
        cmocka_unit_test(test_mqtt_tls_1_2_delivers),
        cmocka_unit_test(test_mqtt_tls_of_another_authority_is_refused),
        cmocka_unit_test(test_mqtt_tls_for_another_name_is_refused),
        cmocka_unit_test(test_mqtt_tls_for_another_address_is_refused),
        cmocka_unit_test(test_mqtt_tls_unverified_delivers),
        cmocka_unit_test(test_mqtt_tls_client_certificate_is_asked_for),
        cmocka_unit_test(test_mqtt_tls_to_a_broker_without_it_is_said),
        cmocka_unit_test(test_plain_mqtt_to_a_broker_with_tls_is_said),
        cmocka_unit_test(test_mqtt_tls_burst_arrives_as_the_log_stores),
        cmocka_unit_test(test_mqtt_tls_broker_restart_reconnects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
