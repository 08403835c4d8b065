import type { PolicyProviderResource, ResourceValidationPolicy } from "@pulumi/policy";

/** The resource types of this program that take tags. Other programs' resources are judged if they have any tag. */
export const TAGGED_TYPES: readonly string[] = [
    "aws:acm/certificate:Certificate",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:dlm/lifecyclePolicy:LifecyclePolicy",
    "aws:ebs/volume:Volume",
    "aws:ec2/eip:Eip",
    "aws:ec2/instance:Instance",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/networkInterface:NetworkInterface",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/role:Role",
    "aws:lb/listener:Listener",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:route53/healthCheck:HealthCheck",
    "aws:sns/topic:Topic",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

export const tagsPresent: ResourceValidationPolicy = {
    name: "tags-present",
    description: "Everything that can be tagged has the tags that you require.",
    enforcementLevel: "mandatory",
    configSchema: { properties: { required: { type: "array", items: { type: "string" }, default: [] } } },
    validateResource: (args, report) => {
        const { type, name, props, provider } = args;
        const { required } = args.getConfig<{ required: string[] }>();
        const judge = (what: string, tags: object | undefined) => {
            const present = new Set(Object.keys({ ...defaultTags(provider), ...tags }));
            const missing = required.filter((tag) => !present.has(tag));
            if (missing.length > 0) report(`${what} lacks the tag ${missing.join(", ")}: add it to the setting tags.`);
        };
        if (!TAGGED_TYPES.includes(type) && !(type.startsWith("aws:") && "tags" in props)) return;
        judge(name, props.tags as object | undefined);
        if (type !== "aws:ec2/instance:Instance") return;
        const root = props.rootBlockDevice as { tags?: object } | undefined;
        judge(`The root disk of ${name}`, { ...(props.volumeTags as object | undefined), ...root?.tags });
    },
};

/** The tags that the provider adds to each resource. Nested values of a provider are JSON texts. */
function defaultTags(provider: PolicyProviderResource | undefined): object | undefined {
    const given = provider?.props.defaultTags as string | { tags?: object } | undefined;
    const parsed = typeof given === "string" ? (JSON.parse(given) as { tags?: object }) : given;
    return parsed?.tags;
}
