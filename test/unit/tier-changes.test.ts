import { describe, expect, test } from "vitest";
import { possiblePlaces } from "../../components/cloud/network.ts";
import { allowSeveral } from "./allow-several.ts";
import { CONFIG } from "./program.ts";
import { type Program, dependencies, names, ofType, run, steps } from "./tier-program.ts";

// What a change of several nodes, or of one machine to several, leaves as it is.

allowSeveral();

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
