//! Values from outside: the only crate that talks to AWS. It fetches what the engine asks for, and
//! says in one vocabulary of errors what could not be had and whether trying again can help.

pub mod aws;
