"""A log group: retention, tags, streams, events."""
from _aws import client, refused


def main():
    logs = client("logs")
    logs.create_log_group(logGroupName="/pulse/dev/api", tags={"landing:node": "logs.group.api"})
    logs.create_log_group(logGroupName="/pulse/dev/api-two")
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/pulse/dev/api")
    refused("InvalidParameterException", logs.create_log_group, logGroupName="no spaces")
    refused("InvalidParameterException", logs.create_log_group, logGroupName="aws/mine")
    refused("InvalidParameterException", logs.put_retention_policy, logGroupName="/pulse/dev/api", retentionInDays=8)
    refused("ResourceNotFoundException", logs.put_retention_policy, logGroupName="/nobody", retentionInDays=7)
    logs.put_retention_policy(logGroupName="/pulse/dev/api", retentionInDays=14)
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/pulse/dev/api", PaginationConfig={"PageSize": 1}).build_full_result()["logGroups"]
    assert [g["logGroupName"] for g in groups] == ["/pulse/dev/api", "/pulse/dev/api-two"]
    first = groups[0]
    assert first["retentionInDays"] == 14 and "retentionInDays" not in groups[1]
    assert first["arn"] == first["logGroupArn"] + ":*"
    logs.delete_retention_policy(logGroupName="/pulse/dev/api")
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix="/pulse/dev/api")["logGroups"][0]
    assert logs.describe_log_groups(logGroupNamePrefix="/nobody")["logGroups"] == []

    arn = first["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "landing:node": "logs.group.api"}
    refused("InvalidParameterException", logs.tag_resource, resourceArn=first["arn"], tags={"a": "1"})
    refused("ResourceNotFoundException", logs.list_tags_for_resource, resourceArn=arn + "-nobody")

    group = "/pulse/dev/api"
    logs.create_log_stream(logGroupName=group, logStreamName="api/1")
    refused("ResourceAlreadyExistsException", logs.create_log_stream, logGroupName=group, logStreamName="api/1")
    refused("ResourceNotFoundException", logs.create_log_stream, logGroupName="/nobody", logStreamName="x")
    events = [{"timestamp": 1767225600000 + i, "message": f"line {i}"} for i in range(5)]
    logs.put_log_events(logGroupName=group, logStreamName="api/1", logEvents=events)
    refused("InvalidParameterException", logs.put_log_events, logGroupName=group, logStreamName="api/1", logEvents=events[::-1])
    refused("ResourceNotFoundException", logs.put_log_events, logGroupName=group, logStreamName="nobody", logEvents=events)
    stream = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"][0]
    assert stream["logStreamName"] == "api/1" and stream["lastEventTimestamp"] == events[4]["timestamp"]

    page = logs.get_log_events(logGroupName=group, logStreamName="api/1", startFromHead=True, limit=3)
    assert [e["message"] for e in page["events"]] == ["line 0", "line 1", "line 2"]
    rest = logs.get_log_events(logGroupName=group, logStreamName="api/1", nextToken=page["nextForwardToken"])
    assert [e["message"] for e in rest["events"]] == ["line 3", "line 4"]
    end = logs.get_log_events(logGroupName=group, logStreamName="api/1", nextToken=rest["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == rest["nextForwardToken"]
    found = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern='"line 1"', PaginationConfig={"PageSize": 1}).build_full_result()["events"]
    assert [e["message"] for e in found] == ["line 1"] and found[0]["logStreamName"] == "api/1"
    assert len(logs.filter_log_events(logGroupName=group, startTime=events[3]["timestamp"])["events"]) == 2

    for name in (group, group + "-two"):
        logs.delete_log_group(logGroupName=name)
    refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=group)


if __name__ == "__main__":
    main()
