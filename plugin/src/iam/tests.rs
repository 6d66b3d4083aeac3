//! From objects to policies.

#![expect(clippy::needless_pass_by_value, reason = "each value is written where it is used")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/shop";

/// A store of the namespace `shop` with these fields of `aws`, and an ExternalSecret with this spec.
struct Case {
    objects: Objects,
    options: Options,
}

impl Case {
    fn new(aws: Value, spec: Value) -> Self {
        let mut objects = Objects::default();
        let key = (Some("shop".to_owned()), "main".to_owned());
        objects.stores.insert(key, Ok(store(aws)));
        objects.askers.push(asker("db", spec));
        let account = Some("444455556666".to_owned());
        Self { objects, options: Options { account, no_kms: true, ..Options::default() } }
    }

    fn report(&self) -> Report {
        report(&self.objects, &self.options)
    }

    /// The statements of the only identity, when nothing is to be said.
    #[track_caller]
    fn statements(&self) -> Vec<Value> {
        let report = self.report();
        let holes: Vec<_> = report.warnings.iter().filter(|it| it.incomplete).collect();
        assert!(holes.is_empty(), "{holes:?}");
        let [grant] = report.grants.as_slice() else { panic!("{:?}", report.grants) };
        grant.policy.statement.clone()
    }

    /// What is missing from the policies.
    fn hole(&self) -> String {
        let report = self.report();
        let holes: Vec<_> = report.warnings.iter().filter(|it| it.incomplete).collect();
        let [hole] = holes.as_slice() else { panic!("{:?}", report.warnings) };
        hole.line()
    }
}

fn store(aws: Value) -> SecretStoreSpec {
    let mut all = json!({ "service": "SecretsManager", "region": "eu-west-1" });
    for (field, value) in aws.as_object().unwrap() {
        all[field] = value.clone();
    }
    serde_json::from_value(json!({ "provider": { "aws": all } })).unwrap()
}

fn asker(name: &str, spec: Value) -> Asker {
    let mut all = json!({ "secretStoreRef": { "name": "main" } });
    for (field, value) in spec.as_object().unwrap() {
        all[field] = value.clone();
    }
    Asker {
        label: format!("ExternalSecret shop/{name}"),
        namespace: Some("shop".to_owned()),
        spec: serde_json::from_value(all).unwrap(),
    }
}

fn keys(keys: &[&str]) -> Value {
    let data = keys.iter().map(|key| json!({ "secretKey": "a", "remoteRef": { "key": key } }));
    json!({ "data": data.collect::<Vec<_>>() })
}

fn find(find: Value) -> Value {
    json!({ "dataFrom": [{ "find": find }] })
}

fn parameters() -> Value {
    json!({ "service": "ParameterStore" })
}

fn allow(sid: &str, actions: &[&str], resources: &[&str]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

#[test]
fn one_secret_is_one_arn() {
    let get = ["secretsmanager:GetSecretValue"];
    let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:app/db-??????";
    let case = Case::new(json!({}), keys(&["app/db", "app/db"]));
    assert_eq!(case.statements(), [allow("ReadSecrets", &get, &[arn])]);
    // The prefix belongs to the name; a version is of the same secret.
    let data = json!({ "key": "db", "version": "AWSPREVIOUS", "property": "x" });
    let spec = json!({ "data": [{ "secretKey": "a", "remoteRef": data }] });
    let case = Case::new(json!({ "prefix": "app/" }), spec);
    assert_eq!(case.statements(), [allow("ReadSecrets", &get, &[arn])]);
}

#[test]
fn a_role_tells_the_account_and_the_region_the_partition() {
    let resource = |aws: Value| {
        let report = Case::new(aws, keys(&["db"])).report();
        let of = |grant: &policy::Grant| grant.policy.statement[0]["Resource"][0].clone();
        report.grants.iter().map(of).find(|it| it.to_string().contains(":secret:")).unwrap()
    };
    let own = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-??????";
    assert_eq!(resource(json!({ "role": ROLE })), own);
    let china = "arn:aws-cn:secretsmanager:cn-north-1:444455556666:secret:db-??????";
    assert_eq!(resource(json!({ "region": "cn-north-1" })), china);
    let mut case = Case::new(json!({}), keys(&["db"]));
    (case.options.account, case.options.no_kms) = (None, false);
    let report = case.report();
    let resource = |index: usize| &report.grants[0].policy.statement[index]["Resource"][0];
    assert!(resource(0).to_string().contains(":eu-west-1:ACCOUNT_ID:secret:db-"));
    assert_eq!(*resource(1), "arn:aws:kms:eu-west-1:ACCOUNT_ID:key/*");
    assert!(report.warnings[0].text.contains("--account-id"), "{:?}", report.warnings);
    assert!(!report.warnings[0].incomplete);
}

#[test]
fn an_arn_is_taken_as_it_is() {
    let whole = "arn:aws:secretsmanager:us-east-1:777788889999:secret:a-Ab12Cd";
    let part = "arn:aws:secretsmanager:us-east-1:777788889999:secret:b";
    let case = Case::new(json!({}), keys(&[whole, part]));
    let resources = case.statements()[0]["Resource"].clone();
    assert_eq!(resources, json!([whole, format!("{part}-??????")]));
    let case = Case::new(json!({ "prefix": "x/" }), keys(&[whole]));
    assert!(case.hole().contains("prefix"), "{}", case.hole());
}

#[test]
fn what_is_no_name_gets_into_no_policy() {
    for key in ["*", "app/?", "{{ .Values.key }}", "${aws:username}", "", "arn:aws:s3:::x"] {
        let case = Case::new(json!({}), keys(&[key, "db"]));
        let hole = case.hole();
        assert!(hole.starts_with("ExternalSecret shop/db: spec.data[0]: "), "{hole}");
        let report = case.report();
        assert_eq!(report.grants[0].policy.statement[0]["Resource"].as_array().unwrap().len(), 1);
    }
    for key in ["*", "/app/?", "a b"] {
        assert!(Case::new(parameters(), keys(&[key])).hole().contains("parameter"), "{key}");
    }
}

#[test]
fn what_cannot_be_told_names_the_object() {
    let generator = json!({ "generatorRef": { "kind": "ECRAuthorizationToken", "name": "ecr" } });
    let mut spec = keys(&["db"]);
    spec["dataFrom"] = json!([{ "extract": { "key": "all" } }, { "sourceRef": generator }]);
    let hole = Case::new(json!({}), spec).hole();
    assert!(hole.contains("spec.dataFrom[1]") && hole.contains("\"ecr\""), "{hole}");
    let hole = Case::new(json!({ "region": "" }), keys(&["db"])).hole();
    assert!(hole.starts_with("SecretStore shop/main: ") && hole.contains("region"), "{hole}");
    let hole = Case::new(json!({ "role": "{{ .role }}" }), keys(&["db"])).hole();
    assert!(hole.contains("spec.provider.aws.role"), "{hole}");
    let hole = Case::new(json!({ "service": "CertificateManager" }), keys(&["db"])).hole();
    assert!(hole.contains("CertificateManager"), "{hole}");
    let mut case = Case::new(json!({}), keys(&["db"]));
    case.objects.stores.clear();
    assert!(case.hole().contains("SecretStore shop/main is not among"), "{}", case.hole());
    // A store of somebody else needs nothing here.
    let vault = json!({ "provider": { "vault": { "server": "https://vault" } } });
    let vault = serde_json::from_value(vault).unwrap();
    case.objects.stores.insert((Some("shop".into()), "main".into()), Ok(vault));
    let report = case.report();
    assert!(report.grants.is_empty() && report.warnings[0].text.contains("vault"), "{report:?}");
    assert!(!report.warnings[0].incomplete);
}

#[test]
fn a_secret_that_may_be_missing_is_asked_for_without_its_suffix() {
    let mut spec = keys(&["db"]);
    spec["target"] = json!({ "deletionPolicy": "Delete" });
    let resources = Case::new(json!({}), spec).statements()[0]["Resource"].clone();
    let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db";
    assert_eq!(resources, json!([arn, format!("{arn}-??????")]));
}

#[test]
fn a_search_for_secrets_lists_all_and_reads_those_that_can_match() {
    let resource = |find_: Value| {
        let statements = Case::new(json!({}), find(find_)).statements();
        let actions = json!(["secretsmanager:BatchGetSecretValue", "secretsmanager:ListSecrets"]);
        assert_eq!(statements[1]["Action"], actions);
        assert_eq!(statements[1]["Resource"], json!(["*"]));
        let resource = statements[0]["Resource"][0].as_str().unwrap().to_owned();
        resource.split(":secret:").nth(1).unwrap().to_owned()
    };
    assert_eq!(resource(json!({ "name": { "regexp": "^shop/" } })), "shop/*");
    assert_eq!(resource(json!({ "name": { "regexp": "^shop/db$" } })), "shop/db-??????");
    assert_eq!(resource(json!({ "name": { "regexp": "db" }, "path": "shop/" })), "shop/*");
    let both = json!({ "name": { "regexp": "^shop/db" }, "path": "shop/" });
    assert_eq!(resource(both), "shop/db*");
    let tags = json!({ "tags": { "team": "a${b}" } });
    let statements = Case::new(json!({}), find(tags)).statements();
    let condition = json!({ "StringEquals": { "aws:ResourceTag/team": "a${$}{b}" } });
    assert_eq!(statements[0]["Condition"], condition);

    let report = Case::new(json!({}), find(json!({ "name": { "regexp": "db" } }))).report();
    let wide = &report.warnings[0];
    assert!(wide.text.contains("every secret of account 444455556666"), "{wide:?}");
    assert!(Case::new(json!({}), find(json!({ "path": "a" }))).hole().contains("find"));
}

#[test]
fn several_secrets_are_read_together_only_if_that_is_wanted() {
    let mut case = Case::new(json!({}), keys(&["a", "b"]));
    assert_eq!(case.statements().len(), 1);
    case.options.batch = true;
    let batch = allow("ReadSecretsTogether", &["secretsmanager:BatchGetSecretValue"], &["*"]);
    assert_eq!(case.statements()[1], batch);
}

#[test]
fn tags_take_a_call_of_their_own() {
    let tags = json!({ "key": "db", "metadataPolicy": "Fetch" });
    let spec = json!({ "data": [{ "secretKey": "a", "remoteRef": tags }] });
    let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-??????";
    let wanted = allow("DescribeSecrets", &["secretsmanager:DescribeSecret"], &[arn]);
    assert_eq!(Case::new(json!({}), spec.clone()).statements(), [wanted]);
    let arn = "arn:aws:ssm:eu-west-1:444455556666:parameter/db";
    let wanted = allow("ReadTagsOfParameters", &["ssm:ListTagsForResource"], &[arn]);
    assert_eq!(Case::new(parameters(), spec).statements(), [wanted]);
}

#[test]
fn parameters_are_read_one_by_one_together_or_by_path() {
    let arn = |name: &str| format!("arn:aws:ssm:eu-west-1:444455556666:parameter/{name}");
    let one = Case::new(parameters(), keys(&["/app/db"])).statements();
    assert_eq!(one, [allow("ReadParameters", &["ssm:GetParameter"], &[&arn("app/db")])]);
    let two = Case::new(parameters(), keys(&["/a", "b"])).statements();
    let actions = ["ssm:GetParameter", "ssm:GetParameters"];
    assert_eq!(two, [allow("ReadParameters", &actions, &[&arn("a"), &arn("b")])]);

    let by_path = find(json!({ "path": "/app/", "name": { "regexp": "x" } }));
    let by_path = Case::new(parameters(), by_path).statements();
    let wanted = [arn("app"), arn("app/*")];
    let wanted = wanted.each_ref().map(String::as_str);
    let actions = ["ssm:GetParametersByPath"];
    assert_eq!(by_path, [allow("ReadPathsOfParameters", &actions, &wanted)]);
    // A prefix may end within a level, and whole levels are read.
    let store = json!({ "service": "ParameterStore", "prefix": "/app/db-" });
    let by_prefix = Case::new(store, find(json!({ "name": { "regexp": "x" } }))).statements();
    assert_eq!(by_prefix, [allow("ReadPathsOfParameters", &actions, &wanted)]);

    let by_tags = find(json!({ "path": "/app", "tags": { "team": "a" } }));
    let by_tags = Case::new(parameters(), by_tags).statements();
    assert_eq!(by_tags[0]["Resource"], json!([arn("app/*")]));
    assert_eq!(by_tags[0]["Condition"]["StringEquals"]["aws:ResourceTag/team"], "a");
    assert_eq!(by_tags[1], allow("FindParameters", &["ssm:DescribeParameters"], &["*"]));
    assert!(
        Case::new(parameters(), find(json!({ "path": "app", "name": {} })))
            .hole()
            .contains("slash")
    );
}

#[test]
fn decryption_is_by_way_of_the_service_and_of_these_values() {
    let mut case = Case::new(json!({}), keys(&["db"]));
    case.options.no_kms = false;
    let arn = "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-??????";
    let wanted = json!({
        "Sid": "DecryptSecrets", "Effect": "Allow", "Action": ["kms:Decrypt"],
        "Resource": ["arn:aws:kms:eu-west-1:444455556666:key/*"],
        "Condition": {
            "StringEquals": { "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com" },
            "StringLike": { "kms:EncryptionContext:SecretARN": [arn] },
        },
    });
    assert_eq!(case.statements()[1], wanted);
    let key = "arn:aws:kms:eu-west-1:999900001111:key/k";
    case.options.kms_keys = vec![key.to_owned()];
    assert_eq!(case.statements()[1]["Resource"], json!([key]));
    let mut case = Case::new(parameters(), keys(&["db"]));
    case.options.no_kms = false;
    let condition = case.statements()[1]["Condition"].clone();
    let arn = "arn:aws:ssm:eu-west-1:444455556666:parameter/db";
    assert_eq!(condition["StringLike"]["kms:EncryptionContext:PARAMETER_ARN"], json!([arn]));
    assert_eq!(condition["StringEquals"]["kms:ViaService"], "ssm.eu-west-1.amazonaws.com");
}

#[test]
fn each_of_a_chain_of_roles_assumes_the_next() {
    let middle = "arn:aws:iam::222233334444:role/middle";
    let aws = json!({
        "role": ROLE, "additionalRoles": [middle], "externalID": "id-1", "sessionTagsPolicy": "Simple",
    });
    let mut case = Case::new(aws, keys(&["db"]));
    case.options.controller_role = Some("arn:aws:iam::111122223333:role/eso".to_owned());
    case.options.pod_identity = true;
    case.options.controller_account = Some(("eso".to_owned(), "external-secrets".to_owned()));
    let report = case.report();
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    let by = |role: &str| {
        report.grants.iter().find(|grant| grant.role.as_deref() == Some(role)).unwrap()
    };
    let controller = by("arn:aws:iam::111122223333:role/eso");
    assert_eq!(controller.policy.statement, [allow("AssumeRoles", &["sts:AssumeRole"], &[middle])]);
    let trust = &controller.trust.as_ref().unwrap().statement[0];
    assert_eq!(trust["Principal"]["Service"], "pods.eks.amazonaws.com");
    let tag = "aws:RequestTag/kubernetes-service-account";
    assert_eq!(trust["Condition"]["StringEquals"][tag], "external-secrets");
    let tagged = ["sts:AssumeRole", "sts:TagSession"];
    assert_eq!(by(middle).policy.statement, [allow("AssumeRolesWithTags", &tagged, &[ROLE])]);
    let trust = &by(ROLE).trust.as_ref().unwrap().statement;
    assert_eq!(
        json!(trust),
        json!([{
            "Effect": "Allow", "Principal": { "AWS": middle }, "Action": tagged,
            "Condition": { "StringEquals": { "sts:ExternalId": "id-1" } },
        }])
    );
}

#[test]
fn a_service_account_has_the_role_of_its_annotation() {
    let aws = json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "reader" } } } });
    let mut case = Case::new(aws, keys(&["db"]));
    let key = ("shop".to_owned(), "reader".to_owned());
    assert_eq!(needs::accounts(&case.objects), BTreeSet::from([key.clone()]));
    // Nobody knows it yet, and there is a policy for it.
    let report = case.report();
    assert_eq!(report.grants[0].label, "ServiceAccount shop/reader");
    assert!(report.warnings.iter().any(|it| it.text.contains("eks.amazonaws.com/role-arn")));

    let account = Account { role: Some(ROLE.to_owned()), audience: None };
    case.objects.accounts.insert(key, Ok(account));
    let report = case.report();
    assert_eq!(report.grants[0].label, ROLE);
    assert!(report.grants[0].trust.is_none());
    assert!(report.warnings[0].text.contains("--oidc-provider"), "{:?}", report.warnings);
    case.options.oidc_provider = Some("issuer.test/id/1".to_owned());
    let report = case.report();
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert_eq!(
        json!(report.grants[0].trust.as_ref().unwrap().statement),
        json!([{
            "Effect": "Allow",
            "Principal": {
                "Federated": "arn:aws:iam::111122223333:oidc-provider/issuer.test/id/1",
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": {
                "issuer.test/id/1:aud": "sts.amazonaws.com",
                "issuer.test/id/1:sub": "system:serviceaccount:shop:reader",
            } },
        }])
    );
}

#[test]
fn an_access_key_has_a_policy_and_nobody_becomes_it() {
    let secret = json!({ "name": "keys", "key": "id" });
    let refs = json!({ "accessKeyIDSecretRef": secret, "secretAccessKeySecretRef": secret });
    let report = Case::new(json!({ "auth": { "secretRef": refs } }), keys(&["db"])).report();
    assert_eq!(report.grants[0].label, "access key in Secret shop/keys");
    assert!(report.grants[0].trust.is_none() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn a_store_of_the_cluster_is_each_ones_own_identity_or_one() {
    let account = |name: Option<&str>| {
        let mut account = json!({ "name": "reader" });
        if let Some(name) = name {
            account["namespace"] = json!(name);
        }
        json!({ "auth": { "jwt": { "serviceAccountRef": account } } })
    };
    let labels = |aws: Value| {
        let mut case = Case::new(json!({}), json!({}));
        case.objects.stores = BTreeMap::from([((None, "all".to_owned()), Ok(store(aws)))]);
        case.objects.askers.clear();
        for namespace in [Some("a"), Some("b"), None] {
            let mut asker = asker("x", keys(&["db"]));
            asker.namespace = namespace.map(str::to_owned);
            let reference = json!({ "name": "all", "kind": "ClusterSecretStore" });
            asker.spec.secret_store_ref = serde_json::from_value(reference).unwrap();
            case.objects.askers.push(asker);
        }
        let report = case.report();
        let holes = report.warnings.iter().filter(|it| it.incomplete).count();
        let labels: Vec<_> = report.grants.into_iter().map(|grant| grant.label).collect();
        (labels.join(", "), holes)
    };
    assert_eq!(labels(json!({})), ("controller".to_owned(), 0));
    let each = ("ServiceAccount a/reader, ServiceAccount b/reader".to_owned(), 1);
    assert_eq!(labels(account(None)), each);
    assert_eq!(labels(account(Some("eso"))), ("ServiceAccount eso/reader".to_owned(), 0));
}

#[test]
fn whom_a_store_shuts_out_gets_nothing_for_it() {
    let mut case = Case::new(json!({}), keys(&["db"]));
    let mut spec = store(json!({}));
    let condition = json!([{ "namespaces": ["other"] }]);
    spec.conditions = serde_json::from_value(condition).unwrap();
    case.objects.stores = BTreeMap::from([((None, "main".to_owned()), Ok(spec))]);
    let reference = json!({ "name": "main", "kind": "ClusterSecretStore" });
    case.objects.askers[0].spec.secret_store_ref = serde_json::from_value(reference).unwrap();
    let report = case.report();
    assert!(report.grants.is_empty(), "{report:?}");
    assert!(report.warnings[0].text.contains("do not let the namespace in"), "{report:?}");
}

#[test]
fn a_policy_that_aws_does_not_take_is_told() {
    let many: Vec<String> = (0..200).map(|number| format!("application/{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let report = Case::new(json!({}), keys(&many)).report();
    assert!(report.warnings[0].text.contains("too many"), "{:?}", report.warnings);
}

#[test]
fn a_role_is_made_after_those_that_it_trusts() {
    let mut case = Case::new(json!({ "role": ROLE }), keys(&["db"]));
    case.options.controller_role = Some("arn:aws:iam::111122223333:role/eso".to_owned());
    case.options.pod_identity = true;
    let report = case.report();
    let template = cloudformation::template(&report);
    assert_eq!(template["Resources"]["Shop"]["DependsOn"], json!(["Eso"]));
    assert_eq!(template["Resources"]["Eso"]["DependsOn"], Value::Null);
    let terraform = terraform::configuration(&report);
    assert_eq!(terraform.matches("depends_on = [aws_iam_role.eso]").count(), 1, "{terraform}");
}

#[test]
fn the_other_forms_have_the_same_policies() {
    let mut case = Case::new(json!({ "role": ROLE }), keys(&["db"]));
    case.options.controller_role = Some("arn:aws:iam::111122223333:role/eso".to_owned());
    let report = case.report();
    let template = cloudformation::template(&report);
    let shop = &template["Resources"]["Shop"];
    assert_eq!(shop["Type"], "AWS::IAM::Role");
    assert_eq!(shop["Properties"]["RoleName"], "shop");
    let grant = report.grants.iter().find(|grant| grant.role.as_deref() == Some(ROLE)).unwrap();
    assert_eq!(shop["Properties"]["Policies"][0]["PolicyDocument"], json!(grant.policy));
    assert_eq!(shop["Properties"]["AssumeRolePolicyDocument"], json!(grant.trust));
    // Who may become the controller was not told: it keeps what it has.
    assert_eq!(template["Resources"]["Eso"]["Type"], "AWS::IAM::RolePolicy");

    let terraform = terraform::configuration(&report);
    assert!(terraform.contains("resource \"aws_iam_role\" \"shop\" {\n"), "{terraform}");
    assert!(!terraform.contains("resource \"aws_iam_role\" \"eso\""), "{terraform}");
    let encoded = terraform.split("jsonencode(").skip(1).map(|rest| rest.split("\n  })").next());
    let policies: Vec<Value> = encoded
        .map(|text| serde_json::from_str(&format!("{}}}", text.unwrap())).unwrap())
        .collect();
    assert!(policies.contains(&json!(grant.policy)), "{policies:?}");
}
