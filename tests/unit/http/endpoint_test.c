#undef NDEBUG
#include "http/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define WALL_MS UINT64_C(1700000000000)

static const struct config_http config = {.page = true, .channels = 10};

static struct request
make_request(enum request_method method, const char *path)
{
    return (struct request){.method = method, .path = str_from(path)};
}

static void
decide(struct endpoint_reply *reply, const struct config_http *c, const struct request *r)
{
    assert_int_equal(endpoint_decide(reply, c, r, WALL_MS), 0);
    assert_true(reply->response.wall_ms == WALL_MS);
}

static void
assert_status(const struct config_http *c, const struct request *r, enum metric_status status)
{
    struct endpoint_reply reply;
    decide(&reply, c, r);
    assert_false(reply.is_stream);
    if (reply.response.status != status) {
        fail_msg("status %d, wanted %d", (int)reply.response.status, (int)status);
    }
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_events_open_a_stream(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events/a%2Fb");
    struct endpoint_reply reply;
    (void)state;
    decide(&reply, &config, &r);
    assert_true(reply.is_stream);
    assert_int_equal(reply.response.framing, RESPONSE_CHUNKED);
    assert_int_equal(reply.subscription.channels_length, 1);
    assert_true(str_equal(reply.subscription.channels[0], STR("a/b")));
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_events_by_query_open_a_stream(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events");
    struct endpoint_reply reply;
    (void)state;
    r.query = STR("channel=a&channel=b&last=1");
    decide(&reply, &config, &r);
    assert_true(reply.is_stream);
    assert_int_equal(reply.subscription.channels_length, 2);
    assert_int_equal(reply.subscription.start.kind, HUB_START_NEWEST);
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_http_1_0_streams_without_chunks(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events/a");
    struct endpoint_reply reply;
    (void)state;
    r.is_http_1_0 = true;
    decide(&reply, &config, &r);
    assert_true(reply.is_stream);
    assert_int_equal(reply.response.framing, RESPONSE_BARE);
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_head_of_events_opens_no_stream(void **state)
{
    struct request r = make_request(REQUEST_HEAD, "/events/a");
    struct endpoint_reply reply;
    (void)state;
    decide(&reply, &config, &r);
    assert_false(reply.is_stream);
    assert_int_equal(reply.response.status, METRIC_STATUS_200);
    assert_int_equal(reply.response.framing, RESPONSE_BARE);
    assert_true(str_equal(reply.response.content_type, STR("text/event-stream")));
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_bad_subscription_is_400_with_the_reason(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events");
    struct endpoint_reply reply;
    (void)state;
    decide(&reply, &config, &r);
    assert_false(reply.is_stream);
    assert_int_equal(reply.response.status, METRIC_STATUS_400);
    assert_true(str_starts_with(reply.response.body, STR("no channel")));
    assert_int_equal(reply.response.body.data[reply.response.body.size - 1], '\n');
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_unknown_path_is_404(void **state)
{
    static const char *const paths[] = {"/x", "/eventsx", "/Events/a", "//", "/events%2Fa"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct request r = make_request(REQUEST_GET, paths[i]);
        assert_status(&config, &r, METRIC_STATUS_404);
    }
}

static void
test_endpoint_other_methods_are_405_with_allow(void **state)
{
    struct request r = make_request(REQUEST_OTHER, "/events/a");
    struct endpoint_reply reply;
    (void)state;
    r.fields[REQUEST_CONTENT_LENGTH] = STR("5"); /* the method is told first */
    decide(&reply, &config, &r);
    assert_int_equal(reply.response.status, METRIC_STATUS_405);
    assert_true(str_equal(reply.response.fields, STR("Allow: GET, HEAD, OPTIONS\r\n")));
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_body_is_413(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events/a");
    (void)state;
    r.fields[REQUEST_CONTENT_LENGTH] = STR("5");
    assert_status(&config, &r, METRIC_STATUS_413);
    r = make_request(REQUEST_GET, "/");
    r.fields[REQUEST_TRANSFER_ENCODING] = STR("chunked");
    assert_status(&config, &r, METRIC_STATUS_413);
    r = make_request(REQUEST_GET, "/");
    r.fields[REQUEST_CONTENT_LENGTH] = STR("0");
    assert_status(&config, &r, METRIC_STATUS_200);
}

static void
test_endpoint_accept_without_event_streams_is_406(void **state)
{
    struct request r = make_request(REQUEST_GET, "/events/a");
    struct endpoint_reply reply;
    (void)state;
    r.fields[REQUEST_ACCEPT] = STR("application/json");
    assert_status(&config, &r, METRIC_STATUS_406);
    r.is_accept_repeated = true; /* the other line may allow it */
    decide(&reply, &config, &r);
    assert_true(reply.is_stream);
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_page_is_served_with_its_policy(void **state)
{
    struct request r = make_request(REQUEST_GET, "/");
    struct endpoint_reply reply;
    (void)state;
    r.query = STR("channel=a");
    decide(&reply, &config, &r);
    assert_int_equal(reply.response.status, METRIC_STATUS_200);
    assert_true(str_starts_with(reply.response.body, STR("<!doctype html>")));
    assert_non_null(memmem(reply.response.fields.data, reply.response.fields.size,
                           "Content-Security-Policy", strlen("Content-Security-Policy")));
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_page_turned_off_is_404(void **state)
{
    static const struct config_http off = {.page = false, .channels = 10};
    static const char *const paths[] = {"/", "/runnel.js", "/runnel.css"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct request r = make_request(REQUEST_GET, paths[i]);
        assert_status(&off, &r, METRIC_STATUS_404);
    }
}

/* --- cross-origin --- */

static char *one_origin[] = {(char[]){"https://a.example"}, (char[]){"https://b.example"}};
static char *any_origin[] = {(char[]){"*"}};

static const struct config_http some_allowed = {
    .channels = 10, .cors_origins = one_origin, .cors_origins_length = 2};
static const struct config_http all_allowed = {
    .channels = 10, .cors_origins = any_origin, .cors_origins_length = 1};

static struct cors
decide_cors(const struct config_http *c, const char *origin)
{
    struct request r = make_request(REQUEST_GET, "/nothing");
    struct endpoint_reply reply;
    r.fields[REQUEST_ORIGIN] = str_from(origin);
    decide(&reply, c, &r);
    struct cors cors = reply.response.cors;
    endpoint_reply_fini(&reply);
    return cors;
}

static void
test_endpoint_without_origins_allows_none(void **state)
{
    (void)state;
    assert_int_equal(decide_cors(&config, "https://a.example").origin.size, 0);
    assert_false(decide_cors(&config, "https://a.example").is_varying);
}

static void
test_endpoint_listed_origin_is_allowed_and_varies(void **state)
{
    struct cors cors = decide_cors(&some_allowed, "https://b.example");
    (void)state;
    assert_true(str_equal(cors.origin, STR("https://b.example")));
    assert_true(cors.is_varying);
}

static void
test_endpoint_unlisted_origin_varies_and_is_not_allowed(void **state)
{
    static const char *const origins[] = {"https://c.example", "https://a.example.evil",
                                          "HTTPS://A.EXAMPLE", "null", ""};
    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct cors cors = decide_cors(&some_allowed, origins[i]);
        assert_int_equal(cors.origin.size, 0);
        assert_true(cors.is_varying);
    }
}

static void
test_endpoint_star_allows_all(void **state)
{
    struct cors cors = decide_cors(&all_allowed, "https://x.example");
    (void)state;
    assert_true(str_equal(cors.origin, STR("*")));
    assert_false(cors.is_varying);
}

static void
assert_preflight(const struct config_http *c, const char *origin, bool is_allowed)
{
    struct request r = make_request(REQUEST_OPTIONS, "/events/a");
    struct endpoint_reply reply;
    r.fields[REQUEST_ORIGIN] = str_from(origin);
    decide(&reply, c, &r);
    assert_int_equal(reply.response.status, METRIC_STATUS_204);
    struct str fields = reply.response.fields;
    static const char wanted[] = "Access-Control-Allow-Headers: Last-Event-ID";
    bool has = memmem(fields.data, fields.size, wanted, sizeof(wanted) - 1) != NULL;
    assert_int_equal(has, is_allowed);
    endpoint_reply_fini(&reply);
}

static void
test_endpoint_preflight(void **state)
{
    (void)state;
    assert_preflight(&some_allowed, "https://a.example", true);
    assert_preflight(&some_allowed, "https://c.example", false);
    assert_preflight(&all_allowed, "https://c.example", true);
    assert_preflight(&config, NULL, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint_events_open_a_stream),
        cmocka_unit_test(test_endpoint_events_by_query_open_a_stream),
        cmocka_unit_test(test_endpoint_http_1_0_streams_without_chunks),
        cmocka_unit_test(test_endpoint_head_of_events_opens_no_stream),
        cmocka_unit_test(test_endpoint_bad_subscription_is_400_with_the_reason),
        cmocka_unit_test(test_endpoint_unknown_path_is_404),
        cmocka_unit_test(test_endpoint_other_methods_are_405_with_allow),
        cmocka_unit_test(test_endpoint_body_is_413),
        cmocka_unit_test(test_endpoint_accept_without_event_streams_is_406),
        cmocka_unit_test(test_endpoint_page_is_served_with_its_policy),
        cmocka_unit_test(test_endpoint_page_turned_off_is_404),
        cmocka_unit_test(test_endpoint_without_origins_allows_none),
        cmocka_unit_test(test_endpoint_listed_origin_is_allowed_and_varies),
        cmocka_unit_test(test_endpoint_unlisted_origin_varies_and_is_not_allowed),
        cmocka_unit_test(test_endpoint_star_allows_all),
        cmocka_unit_test(test_endpoint_preflight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
