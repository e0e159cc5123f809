#!/usr/bin/env bash
# Subscribe to earwitnessd, check every event by its schema, and notice what was lost: subscriber.sh [TOPIC]...
# `earwitness tail` finds the daemon by itself, or at $EARWITNESS_EVENTS.
set -euo pipefail

earwitness tail --json "$@" | jq --unbuffered --raw-output --null-input \
  --slurpfile schema <(earwitness schema events) '
  ($schema[0].oneOf | map(."$ref" | ltrimstr("#/$defs/"))) as $known

  | def topic: [.type, .stream, .speaker] | map(strings) | join(".");

    def fits($field): $field.type == null or $field.type == type
      or ($field.type == "integer" and type == "number" and . == floor);

    def valid($type): . as $event
      | ($type.required - keys == [])
        and ($type.properties | to_entries
          | all(.value as $field | $event[.key] | . == null or fits($field)));

    # .last: the highest topic_seq heard, by topic; another boot is another start, and counts anew
    foreach inputs as $event ({};
      ($event | topic) as $topic
      | if .boot == $event.boot then . else {boot: $event.boot, last: {}} end
      | .lost = $event.topic_seq - 1 - (.last[$topic] // ($event.topic_seq - 1))
      | .last[$topic] = $event.topic_seq;

      ($event | topic) as $topic
      | (select(.lost > 0) | "gap \($topic) \(.lost)"),
        if $event.v != 1 or ($known | index($event.type) == null) then "skipped \($event.type)"
        elif $event | valid($schema[0]."$defs"[$event.type]) then "event \($topic) \($event.seq)"
        else "invalid \($topic)" end)'
