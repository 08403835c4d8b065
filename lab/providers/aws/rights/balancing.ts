import type { CallTable } from "./call.ts";

const elb = (...calls: string[]) => calls.map((call) => `elasticloadbalancing:${call}`);
const tagged = (kind: string) => elb(`AddTags ${kind}=self`, `RemoveTags ${kind}=self`);
const attributes = elb("ModifyLoadBalancerAttributes loadbalancer/net=self");
const groupAttributes = elb("ModifyTargetGroupAttributes targetgroup=self");
const modifyListener = elb("ModifyListener listener/net=self");
const idleTimeout = elb("ModifyListenerAttributes listener/net=self");

/** The first load balancer of an account makes this role. */
const ROLE = "iam:CreateServiceLinkedRole role/aws-service-role/elasticloadbalancing.amazonaws.com=any";

/** Of EC2, whose objects the load balancer's calls refer to: "Elastic Load Balancing API permissions". */
const ec2 = (...kinds: string[]) => kinds.map((kind) => `ec2:Describe${kind}`);

/** The provider's calls for load balancers and certificates, from its source (internal/service/elbv2 and acm). */
export const BALANCING_CALLS: CallTable = {
    "aws:lb/loadBalancer:LoadBalancer": {
        read: elb(
            "DescribeLoadBalancers",
            "DescribeLoadBalancerAttributes",
            "DescribeCapacityReservation",
            "DescribeTags",
        ),
        create: [
            ...elb("CreateLoadBalancer loadbalancer/net=name", "AddTags loadbalancer/net=name"),
            ...ec2("AccountAttributes", "Addresses", "InternetGateways", "SecurityGroups", "Subnets", "Vpcs"),
            ROLE,
            ...attributes,
        ],
        update: {
            ipAddressType: [...elb("SetIpAddressType loadbalancer/net=self"), ...ec2("Subnets")],
            subnetMappings: [...elb("SetSubnets loadbalancer/net=self"), ...ec2("Subnets")],
            securityGroups: elb("SetSecurityGroups loadbalancer/net=self"),
            enableCrossZoneLoadBalancing: attributes,
            enableDeletionProtection: attributes,
            tags: tagged("loadbalancer/net"),
        },
        // The provider waits until the interfaces are gone.
        delete: [...elb("DeleteLoadBalancer loadbalancer/net=self"), "ec2:DescribeNetworkInterfaces"],
    },
    "aws:lb/targetGroup:TargetGroup": {
        read: elb("DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTags"),
        create: [
            ...elb("CreateTargetGroup targetgroup=name", "AddTags targetgroup=name"),
            ...ec2("InternetGateways", "Vpcs"),
            ...groupAttributes,
        ],
        update: {
            healthCheck: elb("ModifyTargetGroup targetgroup=self"),
            preserveClientIp: groupAttributes,
            proxyProtocolV2: groupAttributes,
            deregistrationDelay: groupAttributes,
            connectionTermination: groupAttributes,
            targetHealthStates: groupAttributes,
            tags: tagged("targetgroup"),
        },
        delete: elb("DeleteTargetGroup targetgroup=self"),
    },
    "aws:lb/listener:Listener": {
        read: elb("DescribeListeners", "DescribeListenerAttributes", "DescribeTags"),
        create: [
            ...elb("CreateListener loadbalancer/net=loadBalancerArn", "AddTags listener/net=newListener"),
            ...elb("ModifyListenerAttributes listener/net=newListener"),
        ],
        update: {
            ...Object.fromEntries(
                ["port", "protocol", "certificateArn", "sslPolicy", "alpnPolicy", "defaultActions"].map((name) => [
                    name,
                    modifyListener,
                ]),
            ),
            tcpIdleTimeoutSeconds: idleTimeout,
            tags: tagged("listener/net"),
        },
        delete: elb("DeleteListener listener/net=self"),
    },
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": {
        read: elb("DescribeTargetHealth"),
        create: [
            ...elb("RegisterTargets targetgroup=targetGroupArn"),
            ...ec2("Instances", "InternetGateways", "Subnets", "Vpcs"),
        ],
        update: {},
        delete: elb("DeregisterTargets targetgroup=targetGroupArn"),
    },
    "aws:acm/certificate:Certificate": {
        read: ["acm:DescribeCertificate certificate=self", "acm:ListTagsForCertificate certificate=self"],
        create: [
            "acm:RequestCertificate if=domainName",
            "acm:ImportCertificate certificate=new if=privateKey",
            "acm:AddTagsToCertificate certificate=new",
        ],
        update: {
            certificateBody: ["acm:ImportCertificate certificate=self"],
            privateKey: ["acm:ImportCertificate certificate=self"],
            certificateChain: ["acm:ImportCertificate certificate=self"],
            tags: ["acm:AddTagsToCertificate certificate=self", "acm:RemoveTagsFromCertificate certificate=self"],
        },
        delete: ["acm:DeleteCertificate certificate=self"],
    },
    "aws:acm/certificateValidation:CertificateValidation": {
        read: ["acm:DescribeCertificate certificate=certificateArn"],
        create: [],
        update: {},
        delete: [],
    },
};
