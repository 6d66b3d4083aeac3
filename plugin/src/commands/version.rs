//! `kubectl extsecret version`

use serde_json::json;

use crate::cli::{Format, VersionArgs};
use crate::exit::Exit;
use crate::output;

pub(crate) fn run(args: &VersionArgs) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    let text = match args.output {
        None => format!("kubectl-extsecret {version}\n"),
        Some(Format::Yaml) => format!("pluginVersion: {version}\n"),
        Some(Format::Json) => format!("{:#}\n", json!({ "pluginVersion": version })),
    };
    output::stdout(&text)?;
    Ok(Exit::Success)
}
