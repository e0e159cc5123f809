/* Subscribe to earwitnessd, check every event's header, and notice what was lost.
 *
 *     cc -std=c11 -Wall subscriber.c -lzmq -ljansson -o subscriber
 *     ./subscriber ipc:///run/earwitness/events [TOPIC]...
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static const char *const KNOWN[] = {"heartbeat",        "window.scored", "speaker.verified",
                                    "speaker.unknown",  "speaker.lost",  "speech.started",
                                    "speech.stopped",   "daemon.started", "daemon.stopping"};

static bool is_known(const char *type)
{
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (strcmp(type, KNOWN[i]) == 0)
            return true;
    return false;
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
    if (header.v == 1 && is_known(header.type))
        printf("event %s %" JSON_INTEGER_FORMAT "\n", topic, header.seq);
    else
        printf("skipped %s\n", header.type); /* of no interest, or of a newer daemon */
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s ENDPOINT [TOPIC]...\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *socket = zmq_socket(zmq_ctx_new(), ZMQ_SUB);
    for (int i = 2; i < argc; i++)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, argv[i], strlen(argv[i]));
    if (argc == 2)
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
