import type { CallText } from "./call.ts";

const zone: CallText[] = ["route53:GetHostedZone hostedzone=any", "route53:ListTagsForResource hostedzone=any"];

/** The provider's calls for each function, from its source. No calls if the provider has the answer itself. */
export const FUNCTION_CALLS: Readonly<Record<string, readonly CallText[]>> = {
    "aws:ebs/getEbsVolumes:getEbsVolumes": ["ec2:DescribeVolumes"],
    "aws:ebs/getSnapshot:getSnapshot": ["ec2:DescribeSnapshots"],
    "aws:ebs/getSnapshotIds:getSnapshotIds": ["ec2:DescribeSnapshots"],
    "aws:ebs/getVolume:getVolume": ["ec2:DescribeVolumes"],
    "aws:ec2/getAmi:getAmi": ["ec2:DescribeImages"],
    "aws:ec2/getEips:getEips": ["ec2:DescribeAddresses"],
    "aws:ec2/getInstanceType:getInstanceType": ["ec2:DescribeInstanceTypes"],
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": ["ec2:DescribeInstanceTypeOfferings"],
    "aws:ec2/getRouteTable:getRouteTable": ["ec2:DescribeRouteTables"],
    "aws:ec2/getRouteTables:getRouteTables": ["ec2:DescribeRouteTables"],
    "aws:ec2/getSubnet:getSubnet": ["ec2:DescribeSubnets"],
    "aws:route53/getZone:getZone": ["route53:ListHostedZones", ...zone],
    "aws:route53/getZones:getZones": ["route53:ListHostedZones"],
    "aws:servicequotas/getServiceQuota:getServiceQuota": [
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    ],
    "aws:index/getPartition:getPartition": [],
    "aws:index/getRegion:getRegion": [],
    "aws:index/getAvailabilityZones:getAvailabilityZones": ["ec2:DescribeAvailabilityZones"],
};
