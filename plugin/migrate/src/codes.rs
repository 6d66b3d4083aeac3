//! The catalogue of everything a migration can have to say.
//!
//! One entry per code, in the order of its id. `kubectl extsecret explain CODE` prints an entry as
//! it stands here, so the texts speak to somebody who is in the middle of a migration: what KES
//! did, what External Secrets Operator (ESO) does, and the flag or the edit that settles it.

use extsecret_manifest::diagnostic::{Code, Severity};

/// Declares one `pub static` per entry and the list of all of them, so that neither can be
/// forgotten when a code is added.
macro_rules! catalogue {
    ($($id:ident $severity:ident $title:literal why: $why:literal action: $action:literal)*) => {
        $(
            #[doc = concat!("`", stringify!($id), "`: ", $title, ".")]
            pub static $id: Code = Code {
                id: stringify!($id),
                severity: Severity::$severity,
                title: $title,
                why: $why,
                action: $action,
            };
        )*

        /// Every code of a migration, sorted by id.
        pub static ALL: &[&Code] = &[$(&$id),*];
    };
}

/// Whether the lines at a finding's place are named and not shown: a template may hold a password
/// beside what cannot be translated (issue 6).
#[must_use]
pub fn hides_lines(code: &Code) -> bool {
    code.id == E07.id
}

/// The entry of a code, whatever the case of its letters: `e07` finds [`E07`].
pub fn find(id: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.id.eq_ignore_ascii_case(id.trim()))
}

catalogue! {
    E01 Error "unknown backend"
        why: "`backendType` names the store that KES read from. This one is missing, misspelt or \
            was never part of KES, so it cannot be known where the values are."
        action: "Set `backendType` to one of secretsManager, systemManager, vault, \
            azureKeyVault, gcpSecretsManager, ibmcloudSecretsManager or akeyless, and convert the \
            object again. If the object never worked, delete it instead."

    E02 Error "Alibaba Cloud has no provider in external-secrets.io/v1"
        why: "KES read Alibaba Cloud KMS secrets itself. ESO had a provider for them up to 1.3 and \
            removed it in 2.0.0, so there is nothing this object could be converted to."
        action: "Choose where the value shall come from: a SecretStore with the `webhook` provider \
            in front of the Alibaba API, Alibaba's own synchroniser for Kubernetes Secrets, or a \
            copy of the secret in a store that ESO reads. Keep KES running for this object until \
            then."

    E03 Error "path on a backend other than systemManager"
        why: "`data[].path` lists parameters below a path. KES implemented it for AWS Systems \
            Manager only and failed with \"not implemented\" elsewhere, so this object has never \
            synced in this form."
        action: "Replace the item by one item with `key` and `name` for each value that you need, \
            or set `backendType: systemManager` if the values are in the Parameter Store."

    E04 Error "item without key or name"
        why: "Each item of `data` needs a `key` (where the value is) and a `name` (the key in the \
            Secret), or a `path` instead of both. A bare `on`, `off`, `yes`, `no`, `y` or `n` is a \
            boolean to Kubernetes and not a name. Very old KES versions accepted a missing name \
            and wrote a key called `undefined`."
        action: "Write the missing field. Quote a name that YAML reads as a boolean or a number: \
            `name: \"on\"`. Remove the item if nothing reads that key."

    E05 Error "IBM secret by name needs its group"
        why: "With `keyByName: true` KES searched all secret groups for the one secret of that \
            name. ESO looks in one group only and expects `<group>/<type>/<name>`; which group it \
            is does not stand in the manifest."
        action: "Name the group with `--ibm-group NAME`; secrets that were never put into a group \
            are in the group `default`. When the secrets are in several groups, convert their \
            objects in separate runs, or replace the name by the secret's id and remove `keyByName`."

    E06 Error "IBM secret type or property missing or impossible"
        why: "An IBM secret is addressed by type and id, and each type has its own properties. \
            Here the type is missing, or the combination is one that KES could never read: \
            `dataFrom`, for instance, passed no type, and an API key of `iam_credentials` has no \
            properties."
        action: "Set `secretType` on the item (arbitrary, username_password, iam_credentials, \
            imported_cert, public_cert, private_cert or kv) and a `property` that the type has. \
            Replace `dataFrom` by one item of `data` per value."

    E07 Error "template expression that cannot be translated"
        why: "A KES template is JavaScript: everything in `<% %>`, `<%= %>`, `<%- %>` and also \
            `${ }` was run as code inside the controller. ESO renders Go templates. What has a \
            counterpart that renders the same bytes is translated; code that has none (functions, \
            `process`, `Date`, look-around in regular expressions, unknown names) would end up in \
            the Secret as text, so the object is refused. So is what would render other bytes: \
            `yaml.dump`, and the members of an object in its own order where the JSON that it \
            comes from is not at hand. The lines are not shown: they may hold a password. Where a \
            translated template cannot do justice to a value, it ends with an error that begins \
            with E07 (I08 names these values), and the Secret stays as it is."
        action: "Rewrite the marked expression as a Go template in the converted object (`<%= \
            data.user %>` becomes `{{ .user }}`, `${data[\"a-b\"]}` becomes `{{ index . \"a-b\" \
            }}`), or have your application build the text. `--short-templates` accepts another order \
            of members (W16). Leave the KES object in place until then."

    E08 Error "no data source"
        why: "The object names no value at all: `data`, `dataFrom` and `dataFromWithOptions` are \
            absent or empty. KES wrote an empty Secret for it; ESO refuses an object without data."
        action: "Delete the object if nothing needs the empty Secret. Otherwise write that Secret \
            by hand, or add the items that are missing."

    E09 Error "illegal key for a Secret"
        why: "The keys of a Secret consist of letters, digits, `-`, `_` and `.`, and have 253 \
            characters at most. The API server refused every write of KES with this name, and \
            refuses it in an ExternalSecret too."
        action: "Change `name` to a legal key, and change the workloads that should read it."

    E10 Error "a fact of the KES installation is missing"
        why: "KES took what an object did not say from its own environment: region, server, \
            tenant, project. That environment is not in the manifest, and a guess could read a \
            different secret of the same name."
        action: "Pass the Deployment (`--kes-deployment FILE`, from `kubectl get deployment -o \
            yaml`) or the Helm values (`--kes-values FILE`) of KES, or give the one fact by its \
            flag, such as `--region`."

    E11 Error "Azure secret name with a slash"
        why: "Names in an Azure Key Vault have no slash, so KES never got an answer for this key. \
            ESO would take the part before the slash for a type (`cert/`, `key/`, `secret/`) and \
            read something else."
        action: "Set `key` to the plain name of the secret in the vault."

    E12 Error "template.data is not base64"
        why: "Values of `template.data` went into the Secret's `data` as they are, which must be \
            base64. The API server refused this one, so KES has been failing on the object."
        action: "Encode the value, or move it to `template.stringData`, where it stands as plain \
            text."

    E13 Error "Secret type that ESO refuses"
        why: "ESO does not write Secrets of type `bootstrap.kubernetes.io/token`, nor of type \
            `kubernetes.io/service-account-token` with a service account annotation, because \
            whoever may create an ExternalSecret could make credentials for the cluster with them."
        action: "Create this Secret by other means. For a service account's token use a \
            TokenRequest or a projected volume."

    E14 Error "not a plain Kubernetes object"
        why: "The document is a Helm template, another text template, or a Kustomize patch. Such \
            a text becomes an object only after rendering, and what is converted before that may \
            mean something else afterwards. With `--helm-escape` objects of a Helm template are \
            converted where what Helm prints changes nothing about the conversion; the others are \
            left as they are, and the message names the action that is in the way."
        action: "For a chart's own templates use `--helm-escape`: the new objects stay Helm \
            templates. Otherwise convert the rendered objects (`helm template`, `kubectl \
            kustomize`) and compare, then edit the source by hand. For a patch, change its target to group \
            `external-secrets.io`, kind ExternalSecret, and its paths to the new field names."

    E15 Error "kvVersion is neither 1 nor 2"
        why: "`kvVersion` says how Vault's answer is built. KES compared it strictly: a text \
            such as \"2\" or any other number made every poll fail."
        action: "Set `kvVersion: 1` or `kvVersion: 2` without quotes, or remove it; without it \
            KES read version 2."

    E16 Error "template field without counterpart"
        why: "KES merged any field of `template` into the Secret. ESO lets a template set the \
            type, labels, annotations, finalizers, data and immutability; a namespace made every \
            write of KES fail, and owner references of others cannot be expressed."
        action: "Remove the field from `template`. If an owner reference is needed, set it on the \
            Secret with the tool that needs it, after the hand-over."

    E17 Error "KES itself refused this object"
        why: "The namespace's annotations do not permit the role or the key that the object uses, \
            so KES never wrote its Secret. Converting it would grant access that was denied on \
            purpose."
        action: "Delete the object, or have the annotation of the namespace changed by whoever \
            owns it and convert again. Without `--role-conditions` and `--namespace-policy` the \
            annotations are not applied."

    E18 Error "old external-secrets.io object that v1 cannot express"
        why: "The object uses something that left the API before v1, above all template engine \
            v1, whose functions take bytes where engine v2 takes text. In v1alpha1 a template \
            without `engineVersion` meant engine v1. Read by engine v2 the template would fail or \
            give other bytes."
        action: "Rewrite the template for engine v2 (values are text: drop `toString` and \
            `toBytes`; `base64decode` is `b64dec`, `base64encode` is `b64enc`), set \
            `engineVersion: v2`, and convert again. For other fields follow the message."

    E19 Error "value of the wrong type"
        why: "The field holds something else than the API allows: a list where a map belongs, or a \
            bare word that YAML reads as a boolean or a number where a text belongs. Kubernetes \
            refuses such an object, and a guess at what was meant could read another secret."
        action: "Correct the value. If a text is meant, put it in quotes: `\"on\"`, `\"0123\"`."

    E20 Error "other bytes than KES wrote, unannounced"
        why: "`--verify` ran a model of KES and the engine on the same values, and the Secret came \
            out differently in a way that no warning of the conversion speaks of. A Secret whose \
            bytes change restarts the workloads that read it, and may lock them out."
        action: "Compare the key that is named before you apply the object, correct the object by \
            hand, and run `kubectl extsecret render --values FILE` on it. Please report the case: \
            the conversion should have warned of it."

    E21 Error "objects of a SecretProviderClass that cannot be read"
        why: "`parameters.objects` is YAML inside a text, which the API server does not look into. \
            The AWS provider reads it when a pod starts, and with this text the pod does not start."
        action: "Correct the text at the place that the message names, which is the line of the \
            file, and convert again."

    E22 Error "SecretProviderClass of another provider"
        why: "Only classes of the AWS provider (`provider: aws`) are converted. The others have \
            objects of their own form, and some of their backends no counterpart in ESO."
        action: "Write the ExternalSecret by hand, with a SecretStore for that backend, and keep \
            the class until then."

    E23 Error "failover region has no counterpart"
        why: "With `failoverRegion` the AWS provider asks two regions and takes the second one's \
            answer while the first is away. A store of ESO has one region. While that is away \
            nothing is refreshed: the Secret keeps its values, but a new value in the other region \
            does not arrive, and a Secret that is not there yet is not made."
        action: "If that is enough, remove `failoverRegion` and each `failoverObject` from the \
            class and convert again: Secrets Manager can replicate a secret, and switching over is \
            one edit of the store. Otherwise keep the class."

    E24 Error "JMESPath that is more than the name of a member"
        why: "ESO finds members by gjson paths. `a`, `a.b`, `\"a-b\"` and `a[0]` mean the same in \
            both; filters, projections, pipes and functions of JMESPath have no counterpart that \
            is the same for every value. A bare name with a dash is no JMESPath at all, and the \
            provider refused it."
        action: "Name one member for each file, or fetch the whole secret and build the text in \
            `target.template.data` of the new object."

    E25 Error "the CSI driver or its AWS provider refuses this class"
        why: "No pod has ever started with this class, or the Secret of this entry was never made: \
            a field is missing, a name is used twice, or two fields contradict each other. What \
            was meant cannot be told."
        action: "Correct the class as the message says, and try it with a pod if you can. Delete \
            it if nothing uses it."

    E26 Error "two objects of the input write one Secret"
        why: "Two classes, or a class and another object, write a Secret of the same name in the \
            same namespace, and not the same into it. With the CSI driver the last pod to start \
            won; an ExternalSecret of that name would lose what the other one wrote."
        action: "Decide which one is right, or give one of them another `secretName` and change \
            the workloads that read it. Then convert again."

    I01 Info "property syntax rewritten"
        why: "KES read `property` as a lodash path (`a[0].b`), ESO reads it as a gjson path \
            (`a.0.b`), in which some characters must be escaped. The new form reaches the same \
            value."
        action: "Nothing to do."

    I02 Info "default version omitted"
        why: "`AWSCURRENT` and `latest` are what ESO reads when no version is given."
        action: "Nothing to do."

    I03 Info "version split from the key"
        why: "KES passed the key on as it was, so a version could hide in it: `name:3` for the \
            Parameter Store, `?version=3` for Vault. ESO has a field for it, `remoteRef.version`."
        action: "Nothing to do."

    I04 Info "fields of a cluster export removed"
        why: "Objects read with `kubectl get -o yaml` carry what the API server added: status, \
            uid, resourceVersion, managedFields, the last applied configuration and the like. \
            They belong to the old object and would disturb the new one."
        action: "Nothing to do. Other labels and annotations are kept."

    I05 Info "old external-secrets.io version rewritten"
        why: "`external-secrets.io/v1alpha1` and `v1beta1` are no longer served by current ESO, \
            so that the API server answers \"no matches for kind\". The object says the same in \
            v1."
        action: "Apply the new manifest. ESO 0.16 serves both v1beta1 and v1: coming from an older \
            release, apply it there before you upgrade further."

    I06 Info "note"
        why: "Something about the conversion is good to know but changes nothing: an option that \
            was not applied because its result would not have been the same, for instance."
        action: "Nothing to do."

    I07 Info "KES failed where the new object writes"
        why: "`--verify` tried a value on which KES failed, so that it left the Secret as it was, \
            while External Secrets Operator writes one. There are no bytes of KES's to compare \
            with."
        action: "Nothing to do, unless such a value is in the store: then the Secret, which was \
            stuck, is updated by the new object."

    I08 Info "template that ends with an error on unusual values"
        why: "A translated template renders the bytes that KES rendered. Some values it cannot do \
            justice to in Go: fractions in arithmetic, numbers beyond what JavaScript counts \
            exactly, bytes that are no text, members that stand twice. On these it ends with an \
            error (`E07: a number is too large`) instead of writing something else, and ESO leaves \
            the Secret as it is. On some of them KES failed, too."
        action: "Nothing to do unless such a value is in the store: `--verify --values` tells \
            for values that you give. Then have the value changed, or built where it comes from."

    W01 Warning "deprecated form read"
        why: "The object is in a form that KES dropped or deprecated (`secretDescriptor`, \
            `properties`, `type` beside the data, `backendType: secretManager`). Recent KES CRDs \
            refuse it or lose parts of it, so what runs in the cluster may be older than this \
            file."
        action: "Compare the converted object with the Secret in the cluster. Where two forms \
            stand side by side, the message says which one counted."

    W02 Warning "field ignored or corrected"
        why: "KES (or the CSI driver) knows no such field, or the API refuses its value in this form (a number where \
            a text belongs). It had no effect and is not part of the output, or it was put into \
            the form that must have been meant."
        action: "Look at the field: a misspelt name may have been meant to do something. Then \
            remove or correct it."

    W03 Warning "value taken from the KES installation"
        why: "The object does not say this, so KES used a setting of its own Deployment, and so \
            does the new store. A loopback address for Vault points at a container beside KES, \
            which ESO's pod may not have."
        action: "Check that the value is the one KES uses in this cluster; when there are several \
            clusters, convert for each with its own context."

    W04 Warning "namespace permission is no longer enforced"
        why: "KES refused roles and keys that an annotation of the namespace did not permit. ESO \
            has no such check: after the migration whoever may create ExternalSecrets in this \
            namespace can read everything that its stores reach."
        action: "Use `--namespace-policy` to write an admission policy that reads the same \
            annotation, and `--role-conditions` to limit each role's store to the namespaces that \
            permit it. Add `--enforced` if KES ran with ENFORCE_NAMESPACE_ANNOTATIONS."

    W05 Warning "binary values are handled more strictly"
        why: "For `isBinary: true` KES decoded base64 leniently: it skipped foreign characters and \
            did without padding, and left AWS binary secrets alone. ESO's `decodingStrategy: \
            Base64` fails on any of these. KES looked for the boolean true only; the text \"true\" \
            did nothing."
        action: "Compare the value after the first sync. If the store holds real bytes \
            (SecretBinary), remove `decodingStrategy` from the item; if it holds base64 without \
            padding or in the URL alphabet, store it in the standard form."

    W06 Warning "isBinary had no effect in KES"
        why: "KES never evaluated `isBinary` in `dataFromWithOptions`, so the Secret holds the \
            base64 text as it is in the store. The converted object keeps it that way."
        action: "If your workloads do want the decoded bytes, add `decodingStrategy: Base64` to \
            the extract, and know that the values change with it."

    W07 Warning "bytes may differ"
        why: "KES and ESO print this kind of value differently: inner objects (order of keys, \
            blanks, `<>&` escaped), null, numbers beyond 2^53, or a property that could be read \
            both as a name with a dot and as a path. The meaning is the same, the bytes may not \
            be."
        action: "Compare this key before the hand-over. Programs that parse the value are not \
            affected; programs that compare or hash it are."

    W08 Warning "a value that is not JSON becomes an error"
        why: "When `property` or `dataFrom` met a value that is not JSON, KES left the key out and \
            reported success; a template that read a member of a number or a text printed nothing, \
            and one that read YAML knew other types (`yes`, `12:30` and dates). ESO reports an \
            error for the whole object and updates none of its keys. So it does for JSON with a \
            number that is infinite in JavaScript."
        action: "Make sure that every value read this way is JSON, and an object or a list where \
            a template reads its members. The Secret is not touched while ESO reports the error."

    W09 Warning "duplicate or losing key removed"
        why: "Two entries write the same key of the Secret. In KES one of them always won; ESO \
            refuses duplicates or lets the other one win. Only the winner was kept."
        action: "Nothing changes in the Secret. Remove the losing entry from the source, or give \
            it another name if both were meant."

    W10 Warning "order of path and key may matter"
        why: "KES applied items strictly in order, so a path listed after a key replaced a \
            parameter of the same name. ESO always applies `data` after `dataFrom`: there the key \
            wins. Which parameters stand below the path is not in the manifest."
        action: "Check that no parameter below the path has the item's name, and say so with \
            `--assume-disjoint`; otherwise remove the item with the key."

    W11 Warning "parameters of the same last name may collide"
        why: "A recursive path can hold two parameters with the same last part. KES took the one \
            that AWS listed last. ESO's choice may change with each refresh, so that the Secret \
            flaps and workloads restart for nothing."
        action: "List the parameters below the path. If two end alike, replace the path by one \
            item per parameter."

    W12 Warning "refresh interval differs from KES"
        why: "KES polled every 10 seconds unless told otherwise (POLLER_INTERVAL_MILLISECONDS); \
            each poll is a paid and throttled call. The converted objects refresh every hour, \
            ESO's default, so a changed value arrives later. DISABLE_POLLING switched polling off \
            by its mere presence, even with the value \"false\"."
        action: "Use `--keep-interval` to keep the interval of KES, or set `refreshInterval` on \
            the objects that need fast updates."

    W13 Warning "numbers in templates may be written differently"
        why: "A number that comes out of JSON is a floating point number in a Go template: from \
            seven digits on it prints like 1.234567e+06 where JavaScript printed the digits."
        action: "Check whether the member can be a number, and keep `toRawJson` around it if so."

    W14 Warning "replace changes all occurrences"
        why: "`text.replace(\"a\", \"b\")` in JavaScript replaces the first occurrence. The \
            template function used instead replaces all of them."
        action: "Check that the text occurs once only; otherwise write the template by hand."

    W15 Warning "characters beyond ASCII come out right now"
        why: "KES read values as 7-bit ASCII inside templates and damaged every other character. \
            ESO keeps them, so a templated value with an umlaut, for instance, changes to what it \
            should always have been."
        action: "If a workload depends on the damaged text, fix it together with the migration. \
            Values without such characters do not change."

    W16 Warning "generated JSON or YAML is arranged differently"
        why: "The object builds JSON or YAML text, and `--short-templates` or a backend's own form \
            lets ESO's functions sort keys and quote by their own rules where KES kept the order \
            of the store. The text means the same but its bytes differ."
        action: "Compare the key before the hand-over. A program that parses it is not affected. \
            Without `--short-templates` the order is kept, or the template refused (E07)."

    W17 Warning "role session name changes"
        why: "KES assumed roles under the session name `k8s-external-secrets`; ESO lets the AWS \
            SDK choose one. A trust policy with a condition on `sts:RoleSessionName` refuses the \
            new sessions, and audit rules that look for the name find nothing."
        action: "Look for `sts:RoleSessionName` in the trust policy of the role and for the name \
            in your CloudTrail alerts, and change them before the hand-over."

    W18 Warning "credentials live with KES"
        why: "The new store points at the service account or the Secret that KES uses. Removing \
            the KES release removes them, and every object of the store fails from then on."
        action: "Before you remove KES, move the account or Secret out of its release (for Vault \
            also its binding to `system:auth-delegator`), or convert with `--auth=controller` or \
            `--auth=serviceaccount=NAMESPACE/NAME` to use another identity."

    W19 Warning "setting is controller-wide in ESO"
        why: "KES took this setting from its environment. In ESO it is no part of a store but of \
            the controller's own environment or flags, so it cannot be written into a manifest."
        action: "Set the counterpart that the message names on the ESO Deployment, if you still \
            need it."

    W20 Warning "not a key-value engine"
        why: "With `kvVersion: 1` KES could read any Vault path by GET, such as database \
            credentials. ESO's Vault provider is made for key-value engines; reading a dynamic \
            engine creates a new lease with each refresh."
        action: "Use a VaultDynamicSecret generator in `dataFrom[].sourceRef`. If the path is a \
            key-value engine with an unusual name, convert with `--force`."

    W21 Warning "labels and annotations would be copied to the Secret"
        why: "Without `target.template` ESO copies the labels and annotations of the \
            ExternalSecret to the Secret. KES never did; Argo CD then takes the Secret for one of \
            its own and prunes it."
        action: "Keep the `template` of the converted object, even when it looks empty."

    W22 Warning "empty property"
        why: "`property: \"\"` made KES look for a member with an empty name, which normally \
            fails. For ESO an empty property is none: it reads the whole value. The field was \
            left out."
        action: "Check that the whole value is what the workload wants, or name the property."

    W23 Warning "item without name"
        why: "Before KES 8 an item without a `name` wrote a key called `undefined`. The item was \
            kept with that key because you forced it."
        action: "Give the item a name, or remove it when nothing reads `undefined`."

    W24 Warning "type of the Secret differs from the live one"
        why: "The type of a Secret cannot be changed after its creation. KES ignored the \
            difference; ESO fails to write such a Secret, or keeps the old type when the template \
            names none."
        action: "Set `target.template.type` to the type of the Secret in the cluster. To change \
            the type, create a Secret with another name and move the workloads."

    W25 Warning "intermediate role used"
        why: "KES went through AWS_INTERMEDIATE_ROLE_ARN before each object's `roleArn`. The new \
            stores name it in `additionalRoles`, which ESO assumes first. Objects without a \
            `roleArn` did not use it, and neither do their stores."
        action: "Allow ESO's own identity to assume the intermediate role, as KES's identity is \
            allowed today."

    W26 Warning "controller class in use"
        why: "Objects with `controllerId` belong to the KES instance of that INSTANCE_ID. The \
            counterpart is `spec.controller` of a store. A store without it is served by every \
            ESO, so as soon as one object has an id all stores get a class."
        action: "Start one ESO with `--controller-class` for each id. The class of an ESO that was \
            started without the flag is `default`."

    W27 Warning "object is managed by a GitOps tool or by Helm"
        why: "A tool that applies and prunes this object works against the hand-over: if it \
            deletes the KES object while that still owns the Secret, the Secret is deleted too."
        action: "First mark the KES object as not to be pruned (`argocd.argoproj.io/sync-options: \
            Prune=false`, `kustomize.toolkit.fluxcd.io/prune: disabled` or \
            `helm.sh/resource-policy: keep`), and remove it from Git only after the hand-over."

    W28 Warning "output name changed to avoid a collision"
        why: "Two outputs would have had the same file or object name. One of them got a suffix, \
            so that nothing is overwritten."
        action: "Use the name given in the message; rename the source if you prefer another."

    W29 Warning "KV version 2 key without data segment"
        why: "KES used the key as the path of the Vault API, where a version 2 engine expects \
            `data/` after its mount, and got \"not found\". ESO inserts `data/` after the first \
            segment. The new object may read something where KES read nothing."
        action: "Write the key as `<mount>/data/<path>`, or set `kvVersion: 1` if the engine is of \
            version 1."

    W30 Warning "comment could not be placed"
        why: "The comment stands at something that has no counterpart in the new object. It was \
            moved to the nearest place."
        action: "Read the comments of the converted object and move or delete this one."

    W31 Warning "setting of the KES Deployment could not be read"
        why: "The value comes from a field of the pod, or from a ConfigMap or Secret that was not \
            given. Secrets are never read for their values. The setting counts as unknown, and an \
            object that needs it is refused with E10."
        action: "Add the ConfigMap to the file of `--kes-deployment`, or give the fact by its flag."

    W32 Warning "flag overrules the KES installation"
        why: "A flag and the KES Deployment or its values say different things. The flag counts, \
            because it was given on purpose, but KES reads its secrets with the other setting."
        action: "Remove the flag if KES is right. Keep it if the secrets have moved."

    W33 Warning "object could not be verified"
        why: "`--verify` needs to know what KES wrote. Here it does not, or not for all values that \
            were tried: the values given have no such name, KES fails on every value, a template \
            uses something that is not modelled, or KES never read the object."
        action: "Add the values that the message names to the file of `--values`. Otherwise \
            compare the Secret of this object by hand, with `kubectl extsecret render --diff`."

    W34 Warning "Secrets no longer depend on pods"
        why: "The CSI driver fetched values when a pod started, refused the start without them, \
            and removed a synced Secret with its last pod. ESO makes the Secret as soon as the \
            ExternalSecret is there, keeps it without any pod, and removes it with the \
            ExternalSecret. A pod that names a Secret still waits until it exists."
        action: "Apply the new objects before workloads that need them, and delete them with the \
            workload: nothing else removes the Secrets."

    W35 Warning "hand-over of Secrets that the CSI driver made"
        why: "The driver's Secrets belong to the pods' owners or their status objects, without a \
            controller, so ESO adopts them silently and writes the same values: no pod restarts. \
            As long as the class has `secretObjects` and a pod mounts it, the driver may write the \
            Secret again as a whole, without the owner reference, labels and annotations of ESO. If \
            the last pod went in such a moment, the Secret would go with it until ESO made it again."
        action: "In this order: apply the stores and ExternalSecrets and wait until they are Ready \
            (`kubectl wait --for=condition=Ready`); remove `secretObjects` from the classes and \
            leave the rest, which stops the driver's writing; check that each Secret has its \
            ExternalSecret as controller among its owners; change the volumes of the workloads; \
            delete a class when no pod mounts it any more. A pod cannot start without its class: where \
            `--in-place` put the new objects in its place, keep it from being pruned until then."

    W36 Warning "values are read by another identity"
        why: "The AWS provider used the identity of each pod: the role of its service account, or \
            EKS Pod Identity. A store has one identity, and whoever may create ExternalSecrets in \
            its namespaces reads with it. ESO asks for tokens of a service account that the store \
            names (`auth.jwt`), which needs the annotation with the role; Pod Identity serves only \
            ESO's own pod. FIPS endpoints, chosen by a flag of the provider, are chosen by \
            AWS_USE_FIPS_ENDPOINT in ESO's environment."
        action: "Check the store's identity before the hand-over: the annotation \
            `eks.amazonaws.com/role-arn` on the account, the trust policy of the role (audience \
            sts.amazonaws.com), and the permissions secretsmanager:GetSecretValue or \
            ssm:GetParameter, with kms:Decrypt for own keys. `--auth` chooses another identity."

    W37 Warning "refresh interval differs from the CSI driver"
        why: "The driver fetched values when a pod started and, with `--enable-secret-rotation`, \
            again after each `--rotation-poll-interval` (2 minutes unless set), for every pod. \
            ESO fetches once per interval for all pods. A restarted pod gets what the Secret holds, \
            which may be as old as the interval."
        action: "Set `refreshInterval` on the objects that need fast updates. Without rotation, \
            values changed only with the pods: programs that read their files again see new values \
            earlier now."

    W38 Warning "a member that is no text is written"
        why: "The AWS provider took only texts from `jmesPath`: a number, boolean, list or object \
            made the pod fail. ESO writes such a member as its JSON text instead of reporting an \
            error."
        action: "Nothing to do while the members are texts. Programs should not rely on a failure."

    W39 Warning "pods must be changed"
        why: "The volume of a pod still names the CSI driver and its class. ESO writes Secrets, \
            which pods mount by a volume of type `secret`; files, their modes and the volumeMounts \
            can stay what they are. Which pods mount a class is known only as far as they are in \
            the input."
        action: "Replace the volume as the message says, when the ExternalSecret is Ready; the \
            same text stands as a comment above the converted object. Changing the pod template \
            restarts its pods once."

    W40 Warning "private key is not converted"
        why: "For Secrets of type kubernetes.io/tls the CSI driver decoded the private key and \
            wrote it in the older form (RSA or EC PRIVATE KEY). ESO keeps the form that the store \
            has, such as PKCS#8 (PRIVATE KEY). It is the same key, and every common program reads \
            both."
        action: "Look at the key in the store. If it is in PKCS#8 the bytes of `tls.key` change \
            once, which restarts workloads that watch them; store it in the older form first if \
            that must not be."

    W41 Warning "values are stored in the cluster"
        why: "Files of the CSI driver live in the memory of the nodes. A Secret lives in etcd, and \
            whoever may read Secrets in the namespace, or create pods in it, can read it. A Secret \
            holds 1 MiB at most."
        action: "Encrypt Secrets in etcd, and look at who may read them in these namespaces, before \
            the new objects are applied. No other Secret of the class's name may exist there: ESO \
            would take it over. Keep the class where that is not acceptable."

    W42 Warning "short template may differ on unusual values"
        why: "`--short-templates` leaves out what makes a template exact on every value: members \
            that are absent, null or of another type, and characters beyond ASCII. On such a value \
            the short template may render other text, or fail, in which case ESO leaves the Secret \
            as it is."
        action: "Compare with `--verify`, or leave `--short-templates` out to get the exact \
            template."

    W43 Warning "values that Helm prints are not known"
        why: "With `--helm-escape` a Helm action in a field is kept, and Helm prints the value when \
            the chart is rendered. Some values of KES objects are translated: a property with \
            brackets, `*` or `|`, a parameter `/name:3`, a Vault key without `data/`, an Azure name \
            with a slash, a text with `<%` or `{{`. A value that is not known is not translated. \
            Where a store holds an action, its file is a Helm template as well."
        action: "Render the chart with the values of each environment (`helm template`) before the \
            conversion and after it, convert the former without `--helm-escape`, and compare. Put \
            the stores among the chart's templates where they hold actions."
}

#[cfg(test)]
mod tests;
