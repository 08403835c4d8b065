import { type CallTable, tagging } from "./call.ts";

/**
 * The provider's calls for each resource type of EC2, from its source (internal/service/ec2). Only updates in place,
 * and only calls that the program can cause.
 */
export const EC2_CALLS: CallTable = {
    "aws:ec2/vpc:Vpc": {
        read: [
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute vpc=self",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
        ],
        create: ["ec2:CreateVpc vpc=new", "ec2:ModifyVpcAttribute vpc=self"],
        update: {
            enableDnsHostnames: ["ec2:ModifyVpcAttribute vpc=self"],
            enableDnsSupport: ["ec2:ModifyVpcAttribute vpc=self"],
            assignGeneratedIpv6CidrBlock: [
                "ec2:AssociateVpcCidrBlock vpc=self",
                "ec2:DisassociateVpcCidrBlock vpc=self",
            ],
            tags: tagging("vpc"),
        },
        delete: ["ec2:DeleteVpc vpc=self"],
    },
    "aws:ec2/subnet:Subnet": {
        read: ["ec2:DescribeSubnets"],
        create: ["ec2:CreateSubnet subnet=new vpc=vpcId"],
        update: {
            ipv6CidrBlock: ["ec2:AssociateSubnetCidrBlock subnet=self", "ec2:DisassociateSubnetCidrBlock subnet=self"],
            assignIpv6AddressOnCreation: ["ec2:ModifySubnetAttribute subnet=self"],
            mapPublicIpOnLaunch: ["ec2:ModifySubnetAttribute subnet=self"],
            tags: tagging("subnet"),
        },
        // The provider looks for interfaces that other AWS services have left.
        delete: ["ec2:DescribeNetworkInterfaces", "ec2:DeleteSubnet subnet=self"],
    },
    "aws:ec2/internetGateway:InternetGateway": {
        read: ["ec2:DescribeInternetGateways"],
        create: [
            "ec2:CreateInternetGateway internet-gateway=new",
            "ec2:AttachInternetGateway internet-gateway=self vpc=vpcId",
        ],
        update: {
            vpcId: [
                "ec2:DetachInternetGateway internet-gateway=self vpc=vpcId",
                "ec2:AttachInternetGateway internet-gateway=self vpc=vpcId",
            ],
            tags: tagging("internet-gateway"),
        },
        delete: [
            "ec2:DetachInternetGateway internet-gateway=self vpc=vpcId",
            "ec2:DeleteInternetGateway internet-gateway=self",
        ],
    },
    "aws:ec2/routeTable:RouteTable": {
        read: ["ec2:DescribeRouteTables"],
        create: ["ec2:CreateRouteTable route-table=new vpc=vpcId"],
        update: { tags: tagging("route-table") },
        delete: ["ec2:DeleteRouteTable route-table=self"],
    },
    "aws:ec2/route:Route": {
        read: ["ec2:DescribeRouteTables"],
        create: ["ec2:CreateRoute route-table=routeTableId"],
        update: { gatewayId: ["ec2:ReplaceRoute route-table=routeTableId"] },
        delete: ["ec2:DeleteRoute route-table=routeTableId"],
    },
    "aws:ec2/routeTableAssociation:RouteTableAssociation": {
        read: ["ec2:DescribeRouteTables"],
        create: ["ec2:AssociateRouteTable route-table=routeTableId subnet=subnetId"],
        update: { routeTableId: ["ec2:ReplaceRouteTableAssociation route-table=routeTableId subnet=subnetId"] },
        delete: ["ec2:DisassociateRouteTable route-table=routeTableId subnet=subnetId"],
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        read: ["ec2:DescribeSecurityGroups"],
        // The provider removes AWS's default rule, which allows all outgoing traffic.
        create: [
            "ec2:CreateSecurityGroup security-group=new vpc=vpcId",
            "ec2:RevokeSecurityGroupEgress security-group=self",
        ],
        update: { revokeRulesOnDelete: [], tags: tagging("security-group") },
        delete: ["ec2:DescribeNetworkInterfaces", "ec2:DeleteSecurityGroup security-group=self"],
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule("Ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule("Egress"),
    "aws:ec2/networkInterface:NetworkInterface": {
        read: ["ec2:DescribeNetworkInterfaces"],
        create: ["ec2:CreateNetworkInterface network-interface=new subnet=subnetId security-group=securityGroups"],
        update: {
            securityGroups: [
                "ec2:ModifyNetworkInterfaceAttribute network-interface=self security-group=securityGroups",
            ],
            description: ["ec2:ModifyNetworkInterfaceAttribute network-interface=self"],
            sourceDestCheck: ["ec2:ModifyNetworkInterfaceAttribute network-interface=self"],
            ipv6AddressCount: [
                "ec2:AssignIpv6Addresses network-interface=self",
                "ec2:UnassignIpv6Addresses network-interface=self",
            ],
            tags: tagging("network-interface"),
        },
        // If a refresh has seen an attachment, the provider detaches it first.
        delete: [
            "ec2:DetachNetworkInterface network-interface=self",
            "ec2:DeleteNetworkInterface network-interface=self",
        ],
    },
    "aws:ec2/eip:Eip": {
        read: ["ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"],
        create: ["ec2:AllocateAddress elastic-ip=new"],
        update: { tags: tagging("elastic-ip") },
        delete: ["ec2:DisassociateAddress elastic-ip=self", "ec2:ReleaseAddress elastic-ip=self"],
    },
    "aws:ec2/eipAssociation:EipAssociation": {
        read: ["ec2:DescribeAddresses"],
        create: ["ec2:AssociateAddress elastic-ip=allocationId network-interface=networkInterfaceId"],
        update: {},
        delete: ["ec2:DisassociateAddress elastic-ip=allocationId network-interface=networkInterfaceId"],
    },
    "aws:ec2/instance:Instance": {
        read: [
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeInstanceAttribute instance=self",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
            "ec2:DescribeVpcs",
        ],
        create: [
            "ec2:DescribeImages",
            "ec2:RunInstances image=ami instance=new network-interface=~primaryNetworkInterface.networkInterfaceId " +
                "network-interface=~launchedInterface " +
                "security-group=vpcSecurityGroupIds subnet=subnetId volume=untagged",
            "iam:PassRole role=profileRole to=ec2.amazonaws.com",
            "ec2:CreateTags volume=untagged tags=rootBlockDevice.tags",
        ],
        // Another type, image or user data replaces the machine.
        update: {
            iamInstanceProfile: [
                "ec2:DescribeIamInstanceProfileAssociations",
                "ec2:AssociateIamInstanceProfile instance=self",
                "ec2:ReplaceIamInstanceProfileAssociation instance=self",
                "iam:PassRole role=profileRole to=ec2.amazonaws.com",
            ],
            vpcSecurityGroupIds: [
                "ec2:ModifyNetworkInterfaceAttribute network-interface=untagged security-group=vpcSecurityGroupIds",
            ],
            ipv6AddressCount: [
                "ec2:AssignIpv6Addresses network-interface=untagged",
                "ec2:UnassignIpv6Addresses network-interface=untagged",
            ],
            creditSpecification: ["ec2:ModifyInstanceCreditSpecification instance=self"],
            metadataOptions: ["ec2:ModifyInstanceMetadataOptions instance=self"],
            rootBlockDevice: [
                "ec2:ModifyVolume volume=untagged tagged=rootBlockDevice.tags",
                "ec2:DescribeVolumesModifications",
                "ec2:CreateTags volume=untagged tagged=rootBlockDevice.tags",
                "ec2:DeleteTags volume=untagged tagged=rootBlockDevice.tags",
            ],
            tags: tagging("instance"),
        },
        delete: ["ec2:TerminateInstances instance=self"],
    },
    "aws:ebs/volume:Volume": {
        read: ["ec2:DescribeVolumes"],
        create: ["ec2:CreateVolume volume=new snapshot=snapshotId"],
        update: {
            size: ["ec2:ModifyVolume volume=self", "ec2:DescribeVolumesModifications"],
            type: ["ec2:ModifyVolume volume=self", "ec2:DescribeVolumesModifications"],
            iops: ["ec2:ModifyVolume volume=self", "ec2:DescribeVolumesModifications"],
            throughput: ["ec2:ModifyVolume volume=self", "ec2:DescribeVolumesModifications"],
            finalSnapshot: ["ec2:ModifyVolume volume=self", "ec2:DescribeVolumesModifications"],
            tags: tagging("volume"),
        },
        delete: [
            "ec2:CreateSnapshot volume=self snapshot=new if=finalSnapshot",
            "ec2:DescribeSnapshots if=finalSnapshot",
            "ec2:DeleteVolume volume=self",
        ],
    },
    "aws:ec2/volumeAttachment:VolumeAttachment": {
        read: ["ec2:DescribeVolumes"],
        create: ["ec2:DescribeInstances", "ec2:AttachVolume volume=volumeId instance=instanceId"],
        update: { stopInstanceBeforeDetaching: [], forceDetach: [], skipDestroy: [] },
        delete: [
            "ec2:StopInstances instance=instanceId if=stopInstanceBeforeDetaching unless=skipDestroy",
            "ec2:DetachVolume volume=volumeId instance=instanceId unless=skipDestroy",
        ],
    },
};

function rule(direction: "Ingress" | "Egress"): CallTable[string] {
    const modify = ["ec2:ModifySecurityGroupRules security-group=securityGroupId security-group-rule=self"];
    return {
        read: ["ec2:DescribeSecurityGroupRules"],
        create: [`ec2:AuthorizeSecurityGroup${direction} security-group=securityGroupId security-group-rule=new`],
        update: {
            ...{ cidrIpv4: modify, cidrIpv6: modify, referencedSecurityGroupId: modify, description: modify },
            ...{ fromPort: modify, toPort: modify, ipProtocol: modify },
            tags: tagging("security-group-rule"),
        },
        delete: [`ec2:RevokeSecurityGroup${direction} security-group=securityGroupId`],
    };
}
