import { describe, expect, test } from "vitest";
import { UNKNOWN } from "../../lab/providers/property-values.ts";
import { change, comment, RULE, run, step } from "./preview-steps.ts";

// What a comment says of several nodes. The golden comments have whole previews.

const INSTANCE = "aws:ec2/instance:Instance";
const BALANCER = "aws:lb/loadBalancer:LoadBalancer";
const LISTENER = "aws:lb/listener:Listener";
const GROUP = "aws:lb/targetGroup:TargetGroup";
const CERTIFICATE = "aws:acm/certificate:Certificate";
const RECORD = "aws:route53/record:Record";

const instance = (name: string, op: string, proxy = "linkmesh") => of(INSTANCE, `${proxy}-${name}-instance`, op);
const front = (op: string) => of(BALANCER, "linkmesh-lb-front", op);

/** A resource of which only the end or the beginning is there, if it is deleted or created. */
function of(type: string, name: string, op: string, inputs: object = {}) {
    return change(type, name, op, op === "create" ? undefined : inputs, op === "delete" ? undefined : inputs);
}

/** A step of a node. */
function stepOf(node: number, name: string, old: object, now: object, proxy = "linkmesh") {
    return change("command:remote:Command", `${proxy}-node-${node}-${name}`, "update", old, now);
}
const config = (content: string) => step("config", {}, { "config.yaml": `a: ${content}\n` });
const configOf = (node: number, proxy?: string) => stepOf(node, "config", config("1"), config("2"), proxy);

const losses = (steps: object[]) => [...comment({ steps }).matchAll(/^> - \*\*(.*)\*\*/gm)].map(([, one]) => one);
const notes = (steps: object[]) => [...comment({ steps }).matchAll(/^- (.*\..*)$/gm)].map(([, one]) => one);

describe("what is lost", () => {
    test.each<[string, object[], RegExp[]]>([
        [
            "replaced nodes: the old ones serve until the new ones do",
            [instance("node-1", "replace"), instance("node-2", "replace")],
            [/^Nodes are replaced\. The old ones serve until all new ones are set up; then .* other addresses/],
        ],
        ["a node fewer", [instance("node-3", "delete")], [/^Nodes are removed\. Their clients connect again to those/]],
        [
            "no node stays, as in a pause",
            [instance("node-1", "delete"), instance("node-2", "delete")],
            [/^All nodes are removed\. LinkMesh does not answer/],
        ],
        ["a further node: nothing", [instance("node-3", "create")], []],
        [
            "several nodes instead of one machine, which serves until then",
            [
                instance("machine", "delete"),
                front("create"),
                instance("node-1", "create"),
                instance("node-2", "create"),
            ],
            [/^Several nodes take the machine's place\. The machine serves until the first of them is set up /],
        ],
        [
            "one machine instead of the nodes: a gap",
            [instance("machine", "create"), front("delete"), instance("node-1", "delete")],
            [/^One machine takes the place of the nodes\. .* does not answer for some minutes\. Its data volume /],
        ],
        ["a replaced load balancer", [front("replace")], [/^The load balancer is replaced\. All sessions end/]],
        ["no load balancer", [front("delete")], [/^The load balancer is removed\./]],
        [
            "a listener that goes, as with grpc=false",
            [of(LISTENER, "linkmesh-lb-grpc-listener", "delete"), of(GROUP, "linkmesh-lb-grpc", "delete")],
            [/^A port of the load balancer is closed, and its sessions end\.$/],
        ],
        [
            "a listener that goes with its load balancer is not told by itself",
            [of(LISTENER, "linkmesh-lb-grpc-listener", "delete"), front("delete")],
            [/^The load balancer is removed\./],
        ],
        [
            "a replaced target group: its port is away",
            [of(GROUP, "linkmesh-lb-https", "replace")],
            [/^A target group is replaced\. Its port does not answer for about a minute/],
        ],
        [
            "target groups that are replaced with the load balancer are not told by themselves",
            [of(GROUP, "linkmesh-lb-https", "replace"), front("replace")],
            [/^The load balancer is replaced\./],
        ],
        [
            "an address of the load balancer",
            [of("aws:ec2/eip:Eip", "linkmesh-lb-addresses-1", "replace")],
            [/^A public IPv4 address changes\./],
        ],
        [
            "records that validate a certificate lead nobody anywhere",
            [of(RECORD, "linkmesh-certificate-linkmesh.example.com", "delete", { type: "CNAME" })],
            [],
        ],
        [
            "records of names do",
            [of(RECORD, "linkmesh-dns-linkmesh.example.com-a", "delete", { type: "A" })],
            [/^DNS records are removed\./],
        ],
    ])("%s", (_, steps, expected) => {
        expect(losses(steps)).toEqual(expected.map((one): unknown => expect.stringMatching(one)));
    });

    test("what another LinkMesh of the stack loses does not count", () => {
        const found = losses([instance("machine", "delete", "blue"), instance("node-1", "create", "green")]);
        expect(found).toEqual([expect.stringMatching(/^The machine is removed\./)]);
    });
});

describe("what happens besides", () => {
    const listener = (old: object, now: object) => change(LISTENER, "linkmesh-lb-https-listener", "update", old, now);

    test.each<[string, object[], RegExp[]]>([
        [
            "LinkMesh restarts on one node after the other",
            [configOf(1), configOf(2)],
            [/^LinkMesh restarts on one node after the other, .* The others serve, /],
        ],
        [
            "nginx reloads on nodes as on a machine",
            [1, 2].map((node) =>
                stepOf(node, "proxy", step("proxy", { REVISION: "1" }, {}), step("proxy", { REVISION: "2" }, {})),
            ),
            [/^nginx reloads, which drops no session\.$/],
        ],
        ["a new node restarts for nobody", [instance("node-1", "replace"), configOf(1)], []],
        ["the others do", [instance("node-1", "replace"), configOf(1), configOf(2)], [/^LinkMesh restarts on one/]],
        [
            "a further node gets new connections",
            [instance("node-3", "create")],
            [/^Nodes are added\. They get new connections once they are set up; the sessions/],
        ],
        ["nodes where there was none are not added", [instance("node-1", "create"), instance("node-2", "create")], []],
        [
            "another certificate of the listener",
            [listener({ certificateArn: "a" }, { certificateArn: "b" })],
            [/^The load balancer gets another certificate, which drops no session\.$/],
        ],
        [
            "another policy of the listener is no other certificate",
            [listener({ sslPolicy: "a" }, { sslPolicy: "b" })],
            [],
        ],
        [
            "another certificate of your own",
            [
                of(CERTIFICATE, "linkmesh-certificate-own", "replace", { certificateBody: "a" }),
                listener({ certificateArn: "a" }, { certificateArn: UNKNOWN }),
            ],
            [/^The load balancer gets another certificate/],
        ],
        [
            "AWS issues a certificate",
            [of(CERTIFICATE, "linkmesh-certificate-issued", "replace", { validationMethod: "DNS" })],
            [/^AWS Certificate Manager issues a certificate\. .* 75 minutes/],
        ],
        [
            "an imported one is not issued, and neither is one that goes",
            [
                of(CERTIFICATE, "linkmesh-certificate-own", "create", { certificateBody: "a" }),
                of(CERTIFICATE, "linkmesh-certificate-issued", "delete", { validationMethod: "DNS" }),
            ],
            [],
        ],
        [
            "rules of a load balancer that stays",
            [of(RULE, "linkmesh-lb-security-in-443-ipv4", "delete")],
            [/^Firewall rules change\.$/],
        ],
        [
            "rules of a new load balancer let nobody in before",
            [of(RULE, "linkmesh-lb-security-in-443-ipv4", "create"), front("create")],
            [],
        ],
    ])("%s", (_, steps, expected) => {
        expect(notes(steps)).toEqual(expected.map((one): unknown => expect.stringMatching(one)));
    });

    test("the LinkMesh is named beside another one, and not its node", () => {
        expect(notes([configOf(1, "blue"), configOf(2, "blue"), configOf(1, "green")])).toEqual([
            expect.stringMatching(/\(`blue`, `green`\)$/),
        ]);
    });
});

describe("what nodes have alike is told once", () => {
    test("a step, with the nodes' names", () => {
        const text = comment({ steps: [configOf(1), configOf(2), configOf(3)] });
        expect(text).toContain("#### On the nodes\n\n**Step `config` on `node-1`, `node-2`, `node-3`**\n");
        expect(text.match(/\+a: 2/g)).toHaveLength(1);
    });

    test("a step that differs, as after an update that was cut, is told by itself", () => {
        const text = comment({ steps: [configOf(1), stepOf(2, "config", config("0"), config("2"))] });
        expect(text).toContain("**Step `config` on `node-1`**");
        expect(text).toContain("**Step `config` on `node-2`**");
    });

    test("a step without a change of configuration", () => {
        const plain = step("verify", {}, {});
        const longer = { ...plain, create: run("verify").replace("300 bash", "900 bash") };
        expect(comment({ steps: [1, 2].map((node) => stepOf(node, "verify", plain, longer)) })).toContain(
            "step `verify` on `node-1`, `node-2` (its command or connection).",
        );
    });

    test("the names of many nodes are a number", () => {
        const text = comment({ steps: Array.from({ length: 57 }, (_, n) => configOf(n + 1)) });
        expect(text).toContain("**Step `config` on 57 nodes**");
    });

    test("a property", () => {
        const steps = [1, 2].map((n) =>
            change(INSTANCE, `linkmesh-node-${n}-instance`, "replace", { instanceType: "a" }, { instanceType: "b" }),
        );
        expect(comment({ steps })).toContain(
            "`linkmesh-node-1-instance`, `linkmesh-node-2-instance` (Instance) are replaced:\n```diff\n-instanceType: a\n",
        );
    });

    test("a machine beside nodes has a title of its own", () => {
        const machine = change("command:remote:Command", "blue-config", "update", config("1"), config("2"));
        const text = comment({ steps: [machine, configOf(1, "green")] });
        expect(text).toContain("#### On the machines\n\n**Step `config` of `blue`**");
        expect(text).toContain("**Step `config` on `node-1` of `green`**");
    });
});
