import { EventEmitter } from "node:events";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { expect, test } from "vitest";
import { eventReceiver } from "../../lab/engine/run.ts";

test("debug messages, which contain decrypted secrets, are not forwarded from the event stream", () => {
    const events: EngineEvent[] = [];
    const stream = new EventEmitter();
    eventReceiver((event) => events.push(event))(stream as never, () => undefined);
    for (const severity of ["debug", "info", "warning", "error"]) {
        stream.emit("data", JSON.stringify({ diagnosticEvent: { severity, message: "-----BEGIN PRIVATE KEY-----" } }));
    }
    expect(events.map(({ diagnosticEvent }) => diagnosticEvent?.severity)).toEqual(["info", "warning", "error"]);
});
