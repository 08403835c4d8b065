import type { CallTable } from "./call.ts";

const tagged = (kind: string, Kind: string) => [`iam:Tag${Kind} ${kind}=self`, `iam:Untag${Kind} ${kind}=self`];
const zone = ["route53:GetHostedZone hostedzone=zoneId", "route53:ListResourceRecordSets hostedzone=zoneId"];
const tagsOfCheck = "route53:ListTagsForResource healthcheck=self";
const changeRecords = ["route53:ChangeResourceRecordSets hostedzone=zoneId", "route53:GetChange change=any"];

/** CloudWatch makes the role by which it recovers a machine, once in an account. */
const ROLE_OF_RECOVERY = "iam:CreateServiceLinkedRole role/aws-service-role/events.amazonaws.com=any if=alarmActions";
const putAlarm = ["cloudwatch:PutMetricAlarm alarm=self", ROLE_OF_RECOVERY];

/** The provider's calls for each resource type of services other than EC2, from its source. */
export const OTHER_CALLS: CallTable = {
    "aws:iam/role:Role": {
        read: [
            "iam:GetRole role=self",
            "iam:ListRolePolicies role=self",
            "iam:GetRolePolicy role=self if=inlinePolicies",
            "iam:ListAttachedRolePolicies role=self",
        ],
        create: ["iam:CreateRole role=name", "iam:TagRole role=name"],
        update: {
            assumeRolePolicy: ["iam:UpdateAssumeRolePolicy role=self"],
            description: ["iam:UpdateRoleDescription role=self"],
            tags: tagged("role", "Role"),
        },
        delete: ["iam:ListInstanceProfilesForRole role=self", "iam:DeleteRole role=self"],
    },
    "aws:iam/instanceProfile:InstanceProfile": {
        read: ["iam:GetInstanceProfile instance-profile=self", "iam:GetRole role=role"],
        create: [
            "iam:CreateInstanceProfile instance-profile=name",
            "iam:TagInstanceProfile instance-profile=name",
            "iam:AddRoleToInstanceProfile instance-profile=name",
            "iam:PassRole role=role to=ec2.amazonaws.com",
        ],
        update: {
            role: [
                "iam:RemoveRoleFromInstanceProfile instance-profile=self",
                "iam:AddRoleToInstanceProfile instance-profile=self",
                "iam:PassRole role=role to=ec2.amazonaws.com",
            ],
            tags: tagged("instance-profile", "InstanceProfile"),
        },
        delete: [
            "iam:RemoveRoleFromInstanceProfile instance-profile=self",
            "iam:DeleteInstanceProfile instance-profile=self",
        ],
    },
    "aws:iam/rolePolicy:RolePolicy": {
        read: ["iam:GetRolePolicy role=role"],
        create: ["iam:PutRolePolicy role=role"],
        update: { policy: ["iam:PutRolePolicy role=role"] },
        delete: ["iam:DeleteRolePolicy role=role"],
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        read: ["iam:ListAttachedRolePolicies role=role"],
        create: ["iam:AttachRolePolicy role=role policy=policyArn"],
        update: {},
        delete: ["iam:DetachRolePolicy role=role policy=policyArn"],
    },
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": {
        read: ["dlm:GetLifecyclePolicy policy=self"],
        create: [
            "dlm:CreateLifecyclePolicy",
            "dlm:TagResource policy=new",
            "iam:PassRole role=executionRoleArn to=dlm.amazonaws.com",
        ],
        update: {
            ...Object.fromEntries(
                ["description", "state", "policyDetails"].map((name) => [
                    name,
                    ["dlm:UpdateLifecyclePolicy policy=self"],
                ]),
            ),
            executionRoleArn: [
                "dlm:UpdateLifecyclePolicy policy=self",
                "iam:PassRole role=executionRoleArn to=dlm.amazonaws.com",
            ],
            tags: ["dlm:TagResource policy=self", "dlm:UntagResource policy=self"],
        },
        delete: ["dlm:DeleteLifecyclePolicy policy=self"],
    },
    "aws:route53/record:Record": {
        read: zone,
        create: [...zone, ...changeRecords],
        update: { ttl: changeRecords, records: changeRecords, allowOverwrite: changeRecords },
        delete: [...zone, ...changeRecords],
    },
    "aws:route53/healthCheck:HealthCheck": {
        read: ["route53:GetHealthCheck healthcheck=self", tagsOfCheck],
        create: ["route53:CreateHealthCheck", "route53:ChangeTagsForResource healthcheck=new"],
        update: {
            ...Object.fromEntries(
                ["ipAddress", "port", "fqdn", "resourcePath", "enableSni", "failureThreshold"].map((name) => [
                    name,
                    ["route53:UpdateHealthCheck healthcheck=self"],
                ]),
            ),
            tags: ["route53:ChangeTagsForResource healthcheck=self"],
        },
        delete: ["route53:DeleteHealthCheck healthcheck=self"],
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        read: ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource alarm=self"],
        create: ["cloudwatch:PutMetricAlarm alarm=name", "cloudwatch:TagResource alarm=name", ROLE_OF_RECOVERY],
        update: {
            ...Object.fromEntries(
                [
                    ...["alarmDescription", "namespace", "metricName", "dimensions", "statistic", "period"],
                    ...["evaluationPeriods", "comparisonOperator", "threshold", "treatMissingData"],
                    ...["alarmActions", "okActions"],
                ].map((name) => [name, putAlarm]),
            ),
            tags: ["cloudwatch:TagResource alarm=self", "cloudwatch:UntagResource alarm=self"],
        },
        delete: ["cloudwatch:DeleteAlarms alarm=self"],
    },
    "aws:sns/topic:Topic": {
        read: ["sns:GetTopicAttributes topic=self", "sns:ListTagsForResource topic=self"],
        create: ["sns:CreateTopic topic=name", "sns:TagResource topic=name"],
        update: { tags: ["sns:TagResource topic=self", "sns:UntagResource topic=self"] },
        delete: ["sns:DeleteTopic topic=self"],
    },
    "aws:sns/topicSubscription:TopicSubscription": {
        read: ["sns:GetSubscriptionAttributes"],
        create: ["sns:Subscribe topic=topic"],
        update: {},
        delete: ["sns:Unsubscribe"],
    },
};
