import { certificateValidation } from "./certificate-validation.ts";
import { certificate } from "./certificate.ts";
import { metricAlarm } from "./cloudwatch.ts";
import { lifecyclePolicy } from "./dlm.ts";
import { record } from "./dns.ts";
import { internetGateway } from "./gateway.ts";
import { healthCheck } from "./health-check.ts";
import { role, rolePolicyAttachment } from "./iam.ts";
import { instanceProfile } from "./instance-profile.ts";
import { instance } from "./instance.ts";
import { eip, eipAssociation } from "./addresses.ts";
import { networkInterface } from "./interfaces.ts";
import { listener } from "./listener.ts";
import { loadBalancer } from "./load-balancer.ts";
import { routeTable, subnet, vpc } from "./network.ts";
import type { ResourceType } from "./resource-type.ts";
import { rolePolicy } from "./role-policy.ts";
import { route, routeTableAssociation } from "./routes.ts";
import { egressRule, ingressRule, securityGroup } from "./security.ts";
import { topic, topicSubscription } from "./sns.ts";
import { targetGroupAttachment } from "./target-attachment.ts";
import { targetGroup } from "./target-group.ts";
import { volume, volumeAttachment } from "./volumes.ts";

/** Every resource type of the lab's AWS, by type token. */
export const RESOURCE_TYPES: Record<string, ResourceType> = {
    "aws:ec2/vpc:Vpc": vpc,
    "aws:ec2/internetGateway:InternetGateway": internetGateway,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/routeTable:RouteTable": routeTable,
    "aws:ec2/route:Route": route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": routeTableAssociation,
    "aws:ec2/securityGroup:SecurityGroup": securityGroup,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ingressRule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": egressRule,
    "aws:ec2/networkInterface:NetworkInterface": networkInterface,
    "aws:ec2/eip:Eip": eip,
    "aws:ec2/eipAssociation:EipAssociation": eipAssociation,
    "aws:ec2/instance:Instance": instance,
    "aws:ebs/volume:Volume": volume,
    "aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
    "aws:route53/record:Record": record,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": rolePolicyAttachment,
    "aws:iam/rolePolicy:RolePolicy": rolePolicy,
    "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": lifecyclePolicy,
    "aws:cloudwatch/metricAlarm:MetricAlarm": metricAlarm,
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicSubscription:TopicSubscription": topicSubscription,
    "aws:route53/healthCheck:HealthCheck": healthCheck,
    "aws:lb/loadBalancer:LoadBalancer": loadBalancer,
    "aws:lb/targetGroup:TargetGroup": targetGroup,
    "aws:lb/listener:Listener": listener,
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": targetGroupAttachment,
    "aws:acm/certificate:Certificate": certificate,
    "aws:acm/certificateValidation:CertificateValidation": certificateValidation,
};
