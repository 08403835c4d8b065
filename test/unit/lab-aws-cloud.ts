import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloudState } from "../../lab/cloud/state.ts";
import { type CloudReconciler, CloudStore } from "../../lab/cloud/store.ts";
import { type Lab, labAt } from "../../lab/lab.ts";
import { AwsProvider } from "../../lab/providers/aws/provider.ts";
import type { Caller } from "../../lab/providers/aws/rights/caller.ts";
import type { CheckFailure } from "../../lab/providers/provider.ts";
import type { Value, Values } from "../../lab/providers/property-values.ts";

const SHORT: Record<string, string> = {
    Vpc: "aws:ec2/vpc:Vpc",
    InternetGateway: "aws:ec2/internetGateway:InternetGateway",
    Subnet: "aws:ec2/subnet:Subnet",
    RouteTable: "aws:ec2/routeTable:RouteTable",
    Route: "aws:ec2/route:Route",
    RouteTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
    SecurityGroup: "aws:ec2/securityGroup:SecurityGroup",
    Ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    Egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    NetworkInterface: "aws:ec2/networkInterface:NetworkInterface",
    Eip: "aws:ec2/eip:Eip",
    EipAssociation: "aws:ec2/eipAssociation:EipAssociation",
    Instance: "aws:ec2/instance:Instance",
    Volume: "aws:ebs/volume:Volume",
    VolumeAttachment: "aws:ec2/volumeAttachment:VolumeAttachment",
    Record: "aws:route53/record:Record",
    Role: "aws:iam/role:Role",
    RolePolicyAttachment: "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    RolePolicy: "aws:iam/rolePolicy:RolePolicy",
    InstanceProfile: "aws:iam/instanceProfile:InstanceProfile",
    LifecyclePolicy: "aws:dlm/lifecyclePolicy:LifecyclePolicy",
    MetricAlarm: "aws:cloudwatch/metricAlarm:MetricAlarm",
    Topic: "aws:sns/topic:Topic",
    TopicSubscription: "aws:sns/topicSubscription:TopicSubscription",
    HealthCheck: "aws:route53/healthCheck:HealthCheck",
    LoadBalancer: "aws:lb/loadBalancer:LoadBalancer",
    TargetGroup: "aws:lb/targetGroup:TargetGroup",
    Listener: "aws:lb/listener:Listener",
    TargetGroupAttachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
    Certificate: "aws:acm/certificate:Certificate",
    CertificateValidation: "aws:acm/certificateValidation:CertificateValidation",
};

const ROOT = mkdtempSync(join(tmpdir(), "linkmesh-cloud-"));
process.once("exit", () => rmSync(ROOT, { recursive: true, force: true }));

/** A resource as the engine would remember it. */
export interface Made {
    id: string;
    type: string;
    name: string;
    inputs: Values;
    outputs: Values;
}

/** The stand-in without engine and without machines: calls it as the engine does. */
export class TestCloud {
    readonly provider: AwsProvider;
    readonly store: CloudStore;
    #count = 0;

    private constructor(store: CloudStore, caller?: Caller) {
        this.store = store;
        this.provider = new AwsProvider(store, caller);
        this.provider.configure({ region: "eu-central-1", defaultTags: '{"tags":{"team":"infra"}}' });
    }

    static create(reconciler: CloudReconciler = { apply: () => Promise.resolve() }, caller?: Caller): TestCloud {
        return TestCloud.of({ ...labAt(7), dir: mkdtempSync(join(ROOT, "cloud-")) }, reconciler, caller);
    }

    static of(lab: Lab, reconciler: CloudReconciler, caller?: Caller): TestCloud {
        return new TestCloud(new CloudStore(lab, reconciler), caller);
    }

    state(): Promise<CloudState> {
        return this.store.read();
    }

    /** As the engine does: what check throws is a failed call. */
    async check(
        type: string,
        inputs: Values,
        olds: Values = {},
        name = "x",
    ): Promise<{ inputs: Values; failures: CheckFailure[] }> {
        const checked = await Promise.resolve().then(() =>
            this.provider.check({
                ...this.#resource(type, name),
                olds: { values: olds, secrets: new Set() },
                news: { values: inputs, secrets: new Set() },
                seed: new Uint8Array([1, 2, 3, 4]),
            }),
        );
        return { inputs: checked.inputs.values, failures: checked.failures };
    }

    /** @param prefix what generated names begin with. */
    async make(type: string, inputs: Values, name = `r${this.#count++}`, prefix = "x"): Promise<Made> {
        const checked = await this.check(type, inputs, {}, prefix);
        if (checked.failures.length)
            throw new Error(checked.failures.map((f) => `${f.property}: ${f.reason}`).join("; "));
        const { id, outputs } = await this.provider.create({
            ...this.#operation(type, name),
            inputs: { values: checked.inputs, secrets: new Set() },
            preview: false,
        });
        return { id, type, name, inputs: checked.inputs, outputs };
    }

    async diff(made: Made, news: Values): Promise<{ changed: string[]; replaces: string[] }> {
        const { inputs } = await this.check(made.type, news, made.inputs);
        return this.provider.diff({
            ...this.#resource(made.type, made.name),
            id: made.id,
            oldInputs: made.inputs,
            oldState: made.outputs,
            news: inputs,
            ignoreChanges: [],
        });
    }

    async update(made: Made, news: Values): Promise<Made> {
        const { inputs } = await this.check(made.type, news, made.inputs);
        const { outputs } = await this.provider.update({
            ...this.#operation(made.type, made.name),
            id: made.id,
            oldInputs: made.inputs,
            oldState: made.outputs,
            news: { values: inputs, secrets: new Set() },
            preview: false,
        });
        return { ...made, inputs, outputs };
    }

    read(made: Made) {
        const secrets = new Set<string>();
        return this.provider.read({
            ...this.#operation(made.type, made.name),
            id: made.id,
            inputs: { values: made.inputs, secrets },
            state: { values: made.outputs, secrets },
        });
    }

    delete(made: Made): Promise<void> {
        return this.provider.delete({ ...this.#operation(made.type, made.name), id: made.id, state: made.outputs });
    }

    async invoke(token: string, args: Values): Promise<Values> {
        const { result, failures } = await this.provider.invoke({ token, args: { values: args, secrets: new Set() } });
        if (!result) throw new Error(failures?.map((f) => `${f.property}: ${f.reason}`).join("; "));
        return result;
    }

    /** Everything up to a machine that could be made. */
    async network() {
        const vpc = await this.make("Vpc", { cidrBlock: "10.77.0.0/24", assignGeneratedIpv6CidrBlock: true });
        const gateway = await this.make("InternetGateway", { vpcId: vpc.id });
        const ipv6CidrBlock = (vpc.outputs.ipv6CidrBlock as string).replace("/56", "/64");
        const subnet = await this.make("Subnet", { vpcId: vpc.id, cidrBlock: "10.77.0.0/24", ipv6CidrBlock });
        const group = await this.make("SecurityGroup", { vpcId: vpc.id });
        const card = await this.make("NetworkInterface", {
            subnetId: subnet.id,
            securityGroups: [group.id],
            ipv6AddressCount: 1,
        });
        return { vpc, gateway, subnet, group, card };
    }

    instance(card: Made, more: { [name: string]: Value } = {}, name?: string): Promise<Made> {
        return this.make("Instance", { ...this.instanceInputs(card), ...more }, name);
    }

    instanceInputs(card: Made): Values {
        return {
            ami: "ami-0debian13labamd64",
            instanceType: "t3.small",
            primaryNetworkInterface: { networkInterfaceId: card.id },
        };
    }

    #resource(type: string, name: string) {
        const token = SHORT[type] ?? type;
        return { urn: `urn:pulumi:dev::t::${token}::${name}`, type: token, name };
    }

    #operation(type: string, name: string) {
        return { ...this.#resource(type, name), signal: new AbortController().signal, log: () => undefined };
    }
}
