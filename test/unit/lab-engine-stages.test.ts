import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EngineStages, plainText, stepName } from "../../lab/engine/stages.ts";

const urn = (type: string, name: string) => `urn:pulumi:lab::p::linkmesh-proxy:index:X$${type}::${name}`;
const VPC = urn("aws:ec2/vpc:Vpc", "linkmesh-network");
const SUBNET = urn("aws:ec2/subnet:Subnet", "linkmesh-network");
const NGINX = urn("command:remote:Command", "linkmesh-nginx");

const pre = (target: string, op = "create", inputs: Record<string, unknown> = {}) =>
    ({ resourcePreEvent: { metadata: { op, urn: target, type: "", new: { inputs } } } }) as unknown as EngineEvent;
const done = (target: string) =>
    ({ resOutputsEvent: { metadata: { op: "create", urn: target } } }) as unknown as EngineEvent;
const failed = (target: string) =>
    ({ resOpFailedEvent: { metadata: { op: "create", urn: target } } }) as unknown as EngineEvent;

describe("EngineStages", () => {
    let lines: string[];
    let stages: EngineStages;

    beforeEach(() => {
        vi.useFakeTimers();
        lines = [];
        const begin = (name: string) => ({
            progress: (message: string) => lines.push(`${name}: ${message}`),
            warn: (message: string) => lines.push(`! ${name}: ${message}`),
            done: () => lines.push(`ok ${name}`),
            fail: () => lines.push(`failed ${name}`),
        });
        stages = new EngineStages(begin, begin("whole"));
    });
    afterEach(() => vi.useRealTimers());

    it("groups cloud resources, and prints a line for each step", () => {
        for (const event of [pre(VPC), done(VPC), pre(SUBNET), done(SUBNET)]) stages.handle(event);
        vi.advanceTimersByTime(1000);
        stages.handle(pre(NGINX, "create", { create: "sudo timeout 300 bash -s -- nginx" }));
        stages.handle({
            diagnosticEvent: { urn: NGINX, message: "<{%reset%}>installing\n", severity: "info" },
        } as EngineEvent);
        stages.handle(done(NGINX));
        expect(lines).toEqual([
            "network: linkmesh-network",
            "network: linkmesh-network",
            "ok network",
            "step nginx: installing",
            "ok step nginx",
        ]);
    });

    it("has a line for each machine's steps, and a warning of each, if there are several machines", () => {
        const steps = ["node-1", "node-2"].map((node) => urn("command:remote:Command", `linkmesh-${node}-nginx`));
        for (const step of steps) stages.handle(pre(step, "create", { create: "sudo timeout 300 bash -s -- nginx" }));
        const say = (target: string, message: string, severity: string) =>
            stages.handle({ diagnosticEvent: { urn: target, message, severity } } as EngineEvent);
        for (const [index, step] of steps.entries()) {
            say(step, "warning: few files\n", "info");
            say("urn:x", `step nginx on node-${index + 1}: few files\n`, "warning");
        }
        say(steps[1]!, "reloading\n", "info");
        stages.handle(done(steps[1]!));
        stages.handle(failed(steps[0]!));
        expect(lines).toEqual([
            "! step nginx on node-1: few files",
            "! step nginx on node-2: few files",
            "step nginx on node-2: reloading",
            "ok step nginx on node-2",
            "failed step nginx on node-1",
        ]);
    });

    it("prints a step's warning once, although the program repeats it", () => {
        stages.handle(pre(NGINX));
        stages.handle({
            diagnosticEvent: { urn: NGINX, message: "warning: few files\n", severity: "info" },
        } as EngineEvent);
        stages.handle({
            diagnosticEvent: { urn: "urn:x", message: "step nginx: few files\n", severity: "warning" },
        } as EngineEvent);
        expect(lines).toEqual(["! step linkmesh-nginx: few files"]);
    });

    it.each([
        ["a component's", "urn:pulumi:lab::p::linkmesh-proxy:index:SecurityGroup::linkmesh-security"],
        ["the program's own", undefined],
    ])("prints %s warning, which belongs to no line", (_, urn) => {
        stages.handle({ diagnosticEvent: { urn, message: "open to all\n", severity: "warning" } } as EngineEvent);
        expect(lines).toEqual(["! whole: open to all"]);
    });

    it("prints nothing about unchanged resources", () => {
        stages.handle(pre(VPC, "same"));
        stages.handle({ summaryEvent: { resourceChanges: { same: 40 } } } as unknown as EngineEvent);
        stages.close();
        expect(lines).toEqual([]);
        expect(stages.changes).toEqual({});
        expect(stages.started).toBe(false);
    });

    it("marks what failed, and what was still running when the engine ended", () => {
        stages.handle(pre(VPC));
        stages.handle(pre(NGINX));
        stages.handle(failed(NGINX));
        stages.close();
        expect(lines.filter((line) => line.startsWith("failed"))).toEqual([
            "failed step linkmesh-nginx",
            "failed network",
        ]);
        expect(stages.started).toBe(true);
    });

    it("does not count the stack and components as work", () => {
        stages.handle(pre("urn:pulumi:lab::p::pulumi:pulumi:Stack::p-lab"));
        stages.handle(pre("urn:pulumi:lab::p::linkmesh-proxy:index:LinkMeshProxy::linkmesh"));
        expect(stages.started).toBe(false);
    });
});

it("takes a step's name from its command", () => {
    expect(stepName(NGINX, { create: "sudo timeout --kill-after=30 300 bash -s -- certificate" })).toBe("certificate");
    expect(stepName(NGINX, { create: "sudo timeout 300 bash -s -- package \\\n  NAME=3f2a1b0c9d8e" })).toBe("package");
    expect(stepName(NGINX)).toBe("linkmesh-nginx");
    const own = urn("command:remote:Command", "node-1-tests-nginx");
    expect(stepName(own, { create: "sudo timeout 300 bash -s -- nginx" })).toBe("nginx");
});

it("strips the engine's colour tags and terminal sequences", () => {
    expect(plainText("<{%fg 1%}>error:<{%reset%}> \x1b[31mno\x1b[0m")).toBe("error: no");
});
