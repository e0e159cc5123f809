/* Subscribe to earwitnessd, check every event by its schema, and notice what was lost.
 *
 *     cc -std=c11 -Wall subscriber.c -lzmq -ljansson -o subscriber
 *     earwitness schema > events.json
 *     ./subscriber ipc:///run/earwitness/events events.json [TOPIC]...
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static json_t *definitions; /* the schema's, by event type and by name */

static bool is_type(json_t *value, const char *type)
{
    return (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

/* As much of JSON Schema as the contract is written in. */
static bool is_valid(json_t *value, json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    json_t *constant = json_object_get(schema, "const"), *each, *field;
    size_t index;
    const char *name;
    if (reference && !is_valid(value, json_object_get(definitions, reference + strlen("#/$defs/"))))
        return false;
    if ((type && !is_type(value, type)) || (constant && !json_equal(value, constant)))
        return false;
    bool any = !json_object_get(schema, "enum") && !json_object_get(schema, "anyOf");
    json_array_foreach(json_object_get(schema, "enum"), index, each)
        any |= json_equal(value, each);
    json_array_foreach(json_object_get(schema, "anyOf"), index, each)
        any |= is_valid(value, each);
    json_array_foreach(json_object_get(schema, "required"), index, each)
        any &= json_object_get(value, json_string_value(each)) != NULL;
    json_object_foreach(json_object_get(schema, "properties"), name, each)
        if ((field = json_object_get(value, name)))
            any &= is_valid(field, each);
    json_t *items = json_object_get(schema, "items");
    if (items)
        json_array_foreach(value, index, each)
            any &= is_valid(each, items);
    return any;
}

/* The schema of this type of event; NULL for one of a newer daemon. */
static json_t *schema_of(const char *type)
{
    json_t *schema = json_object_get(definitions, type);
    json_t *named = json_object_get(json_object_get(json_object_get(schema, "properties"), "type"), "const");
    return named ? schema : NULL;
}

struct header {
    const char *type, *boot, *time, *assurance;
    json_int_t v, seq, topic_seq;
    int replayed;
};

/* False if a field is missing or of another type; fields that we do not ask for are ignored. */
static bool read_header(json_t *event, struct header *header)
{
    return json_unpack(event, "{s:s, s:I, s:s, s:I, s:I, s:b, s:s, s:s}",
                       "type", &header->type, "v", &header->v, "boot", &header->boot,
                       "seq", &header->seq, "topic_seq", &header->topic_seq,
                       "replayed", &header->replayed, "time", &header->time,
                       "assurance", &header->assurance) == 0;
}

/* How many events of this topic were lost before this one; -1: we have seen it.
 * `last` is the highest topic_seq heard, by topic. */
static json_int_t lost_before(json_t *last, char boot[64], const char *topic, const struct header *header)
{
    if (strcmp(boot, header->boot) != 0) { /* another start of the daemon: all counters begin again */
        snprintf(boot, 64, "%s", header->boot);
        json_object_clear(last);
    }
    json_t *heard = json_object_get(last, topic);
    json_int_t previous = heard ? json_integer_value(heard) : header->topic_seq - 1;
    if (header->topic_seq <= previous)
        return -1;
    json_object_set_new(last, topic, json_integer(header->topic_seq));
    return header->topic_seq - previous - 1;
}

static char *receive(void *socket, size_t *size)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, 0) < 0) {
        perror("zmq_msg_recv");
        exit(1);
    }
    *size = zmq_msg_size(&frame);
    char *text = calloc(*size + 1, 1);
    memcpy(text, zmq_msg_data(&frame), *size);
    zmq_msg_close(&frame);
    return text;
}

static void on_event(json_t *last, char boot[64], const char *topic, json_t *event)
{
    struct header header;
    if (!read_header(event, &header)) {
        printf("invalid %s\n", topic);
        return;
    }
    json_int_t lost = lost_before(last, boot, topic, &header);
    if (lost < 0) /* a last value, said again because somebody else subscribed */
        return;
    if (lost > 0)
        printf("gap %s %" JSON_INTEGER_FORMAT "\n", topic, lost);
    json_t *schema = schema_of(header.type);
    if (header.v != 1 || !schema)
        printf("skipped %s\n", header.type); /* of a newer daemon */
    else if (is_valid(event, schema))
        printf("event %s %" JSON_INTEGER_FORMAT "\n", topic, header.seq);
    else
        printf("invalid %s\n", topic);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ENDPOINT SCHEMA [TOPIC]...\n", argv[0]);
        return 2;
    }
    json_error_t error;
    json_t *schema = json_load_file(argv[2], 0, &error);
    definitions = json_object_get(schema, "$defs");
    if (!definitions) {
        fprintf(stderr, "%s: no JSON Schema of events: %s\n", argv[2], error.text);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_SUB);
    for (int i = 3; i < argc; i++)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, argv[i], strlen(argv[i]));
    if (argc == 3)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (zmq_connect(socket, argv[1]) != 0) {
        fprintf(stderr, "%s: %s\n", argv[1], zmq_strerror(zmq_errno()));
        return 1;
    }
    char boot[64] = "";
    json_t *last = json_object();
    for (;;) {
        size_t topic_size, body_size;
        char *topic = receive(socket, &topic_size);
        char *body = receive(socket, &body_size);
        json_t *event = json_loadb(body, body_size, 0, NULL);
        on_event(last, boot, topic, event);
        json_decref(event);
        free(topic);
        free(body);
    }
}
