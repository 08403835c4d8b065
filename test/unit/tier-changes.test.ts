import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, test, vi } from "vitest";
import { possiblePlaces } from "../../components/cloud/network.ts";
import { refuseCreation } from "../../components/cloud/kept-volume.ts";
import { CONFIG, runProgram } from "./program.ts";
import { type Program, dependencies, names, ofType, run, steps } from "./tier-program.ts";

// What a change of several nodes, or of one machine to several, leaves as it is.

/** The module whose function the hooks' constructor calls. */
const registration = createRequire(import.meta.url)("@pulumi/pulumi/runtime/resource.js") as typeof pulumi.runtime;
afterEach(() => vi.restoreAllMocks());

describe("records and certificate", () => {
    test("lead to the load balancer when the first node is set up, and no node waits for them", async () => {
        const { registered } = await run({ caaIssuer: "amazon.com" });
        const records = ofType({ registered }, "aws:route53/record:Record");
        const addresses = records.filter(({ inputs }) => /^A{1,4}$/.test(inputs.type as string));
        expect(names(addresses).sort()).toEqual([
            ...["linkmesh-dns-linkmesh.example.com-a", "linkmesh-dns-linkmesh.example.com-aaaa"],
        ]);
        for (const record of addresses) {
            expect(dependencies(record).filter((name) => /-node-\d/.test(name))).toEqual([
                "linkmesh-node-1-in-service",
            ]);
        }
        const waiting = ofType({ registered }, "command:remote:Command").filter((step) =>
            dependencies(step).some((name) => name.startsWith("linkmesh-dns-")),
        );
        expect(names(waiting)).toEqual([]);
    });

    test("a paused tier publishes them at once", async () => {
        const paused = await run({ paused: "true" });
        expect(paused.named("linkmesh-dns-linkmesh.example.com-a").inputs.records).toHaveLength(3);
    });

    test("Certificate Manager is asked after the CAA record that allows it", async () => {
        const { named } = await run({ caaIssuer: "amazon.com" });
        expect(dependencies(named("linkmesh-certificate-issued"))).toEqual(["linkmesh-dns-linkmesh.example.com-caa"]);
    });

    test("the record of a wildcard outlives the stack, because other certificates of the account need it", async () => {
        const kept = ({ registered }: Program) => registered.filter(({ retainOnDelete }) => retainOnDelete);
        const wildcard = await run({ certificateNames: '["*.example.com"]' });
        expect(names(kept(wildcard))).toEqual(["linkmesh-certificate-example.com"]);
        expect(names(kept(await run()))).toEqual([]);
    });
});

describe("existing subnets", () => {
    const subnets = { subnetIds: '["subnet-0a0a","subnet-0b0b"]' };

    test("another order of them changes nothing", async () => {
        const [one, other] = [await run(subnets), await run({ subnetIds: '["subnet-0b0b","subnet-0a0a"]' })];
        const inputs = (program: Program) => new Map(program.registered.map(({ name, inputs }) => [name, inputs]));
        expect(inputs(other)).toEqual(inputs(one));
    });

    test("another subnet leaves the others their addresses", async () => {
        const more = await run({ subnetIds: '["subnet-0a0a","subnet-0aaaa","subnet-0b0b"]' });
        const before = await run(subnets);
        const mappings = ({ named }: Program) => named("linkmesh-lb-front").inputs.subnetMappings as unknown[];
        expect(mappings(more)).toEqual(expect.arrayContaining(mappings(before)));
        const addresses = (program: Program) => names(ofType(program, "aws:ec2/eip:Eip"));
        expect(addresses(more)).toEqual(expect.arrayContaining(addresses(before)));
    });
});

describe("an instance type that some zones do not offer", () => {
    const only = { instanceType: "m7i.large", linkmeshDebUrl: CONFIG.linkmeshDebUrl };
    const SUBNET = "aws:ec2/subnet:Subnet";

    test("changes neither subnets nor load balancer of a tier that exists", async () => {
        const [three, one] = [await run(), await run(only)];
        const networks = (program: Program) =>
            program.registered
                .filter(({ name }) => /-(tier-network|lb)-/.test(name))
                .map(({ name, inputs, ignoreChanges }) => [
                    name,
                    Object.entries(inputs).filter(([key]) => !ignoreChanges.includes(key)),
                ]);
        expect(networks(one)).toEqual(networks(three));
        expect(ofType(one, SUBNET)).toHaveLength(3);
    });

    test("is refused if no subnet of the stack is where it is offered", () => {
        const subnets = ["a", "c"].map((zone) => ({ id: `subnet-${zone}`, availabilityZone: `eu-central-1${zone}` }));
        expect(possiblePlaces(subnets, ["eu-central-1c"], "m7i.large")).toEqual(["subnet-c"]);
        expect(() => possiblePlaces(subnets, ["eu-central-1b"], "m7i.large")).toThrow(
            "instanceType: m7i.large is not offered in eu-central-1a, eu-central-1c, where the stack's subnets are. Choose another type.",
        );
    });

    test("a region with two zones has the subnets of three, so that a third zone moves none", async () => {
        const two = await run({}, { zones: "ab" });
        expect(ofType(two, SUBNET).map(({ inputs }) => inputs.cidrBlock)).toEqual(["10.77.0.0/26", "10.77.0.64/26"]);
    });

    test("nodes are only where it is offered", async () => {
        const program = await run(only);
        // In a new network, the first subnet is in that zone.
        expect(program.named("linkmesh-tier-network-subnet").inputs.availabilityZone).toBe("eu-central-1b");
        const placed = [1, 2, 3].map((node) => program.named(`linkmesh-node-${node}-instance`).inputs.subnetId);
        expect(new Set(placed)).toEqual(new Set(["linkmesh-tier-network-subnet-id"]));
    });
});

describe("the data volume of one machine", () => {
    const VOLUME = "aws:ebs/volume:Volume";

    test("stays as it is when several nodes take the machine's place, under the name that one machine has for it", async () => {
        const info = vi.spyOn(pulumi.log, "info").mockResolvedValue();
        const options = { volumeZone: "eu-central-1b", preview: true };
        const [one, several] = [await runProgram(CONFIG, options), await run({}, options)];
        const [before] = ofType(one, VOLUME);
        const [volume, ...more] = ofType(several, VOLUME);
        expect(more).toEqual([]);
        const parent = (program: Program) => program.registered.find(({ name }) => name === "linkmesh-machine")?.type;
        expect([volume!.name, parent(several)]).toEqual([before!.name, parent(one)]);
        expect(volume!.parent.split("::").at(-1)).toBe("linkmesh-machine");
        expect(Object.keys(before!.inputs).filter((key) => !volume!.ignoreChanges.includes(key))).toEqual([]);
        expect(info.mock.calls.map(([sentence]) => sentence)).toEqual([
            expect.stringContaining("the data volume vol-0existing of the one machine stays in the stack"),
        ]);
    });

    test("there is none in a stack that began with several nodes", async () => {
        expect(ofType(await run(), VOLUME)).toEqual([]);
    });

    test("protect protects it", async () => {
        const [volume] = ofType(await run({ protect: "true" }, { volumeZone: "eu-central-1b" }), VOLUME);
        expect(volume!.protect).toBe(true);
    });

    test("several volumes with the tag do not hide the stack's own, of which only the engine knows", async () => {
        const volumes = ["a", "b"].map((zone) => ({
            ...{ id: `vol-0${zone}`, availabilityZone: `eu-central-1${zone}`, attached: false },
        }));
        expect(ofType(await run({}, { volumes }), VOLUME)).toHaveLength(1);
    });
});

test("a volume that has only the tag is not taken for the stack's own: no empty one is made", async () => {
    vi.spyOn(pulumi.runtime, "getMonitor").mockReturnValue({ registerResourceHook: () => {} } as never);
    vi.spyOn(registration, "registerResourceHook").mockResolvedValue(undefined);
    const [hook] = refuseCreation("linkmesh-machine-data", ["vol-1"]);
    await expect(hook!.callback({} as never)).rejects.toThrow(
        /^the tag of this stack's data volume is on vol-1, but the stack has no data volume\. .* delete it\. .*\.$/,
    );
    expect(hook!.opts?.onDryRun).toBe(true);
});

const ATTACHMENT = "aws:lb/targetGroupAttachment:TargetGroupAttachment";

describe("nodes", () => {
    test("are out of the load balancer before they are deleted, and their steps need no connection then", async () => {
        const program = await run();
        for (const attachment of ofType(program, ATTACHMENT)) {
            const [node] = /^linkmesh-node-\d+/.exec(attachment.name)!;
            // The engine deletes what depends on something before that.
            expect(dependencies(attachment)).toContain(`${node}-instance`);
        }
        for (const step of steps(program, 3)) expect(step.deletedWith).toMatch(/::linkmesh-node-3-instance$/);
    });

    test("keep their names, places and steps when their number changes", async () => {
        const [two, three] = [await run({ nodes: "2" }), await run()];
        const ofNodes = (program: Program) =>
            program.registered
                .filter(({ name }) => /-node-[12]-/.test(name))
                .map(({ name, urn, inputs }) => [name, urn, inputs]);
        expect(ofNodes(two)).toEqual(ofNodes(three));
        expect(names(two.registered).filter((name) => name.includes("-node-3"))).toEqual([]);
    });
});
