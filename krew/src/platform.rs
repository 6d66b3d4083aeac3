//! What the plugin is built for.

/// One platform.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// As Rust names it.
    pub target: &'static str,
    /// The operating system, as Go and krew name it.
    pub os: &'static str,
    /// The processor, as Go and krew name it.
    pub arch: &'static str,
}

/// All of them. Those for Linux are static: they run on any distribution.
pub const PLATFORMS: &[Platform] = &[
    Platform { target: "x86_64-unknown-linux-musl", os: "linux", arch: "amd64" },
    Platform { target: "aarch64-unknown-linux-musl", os: "linux", arch: "arm64" },
    Platform { target: "x86_64-apple-darwin", os: "darwin", arch: "amd64" },
    Platform { target: "aarch64-apple-darwin", os: "darwin", arch: "arm64" },
    Platform { target: "x86_64-pc-windows-msvc", os: "windows", arch: "amd64" },
];

impl Platform {
    /// The platform of this name, such as `linux/amd64`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PLATFORMS.iter().find(|it| name.split_once('/') == Some((it.os, it.arch)))
    }

    /// The plugin's file on it.
    pub fn binary(&self) -> &'static str {
        if self.os == "windows" { "kubectl-extsecret.exe" } else { "kubectl-extsecret" }
    }

    /// The name of its archive.
    pub fn archive(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("kubectl-extsecret-v{version}-{}-{}.tar.gz", self.os, self.arch)
    }
}
