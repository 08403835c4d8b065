import type { CallTable } from "./call.ts";

const tagged = (kind: string, Kind: string) => [`iam:Tag${Kind} ${kind}=self`, `iam:Untag${Kind} ${kind}=self`];
const zone = ["route53:GetHostedZone hostedzone=zoneId", "route53:ListResourceRecordSets hostedzone=zoneId"];
const changeRecords = ["route53:ChangeResourceRecordSets hostedzone=zoneId", "route53:GetChange change=any"];

/** The provider's calls for each resource type of IAM, Route 53 and the Data Lifecycle Manager, from its source. */
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
};
