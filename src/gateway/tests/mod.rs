//! The gateway from outside: raw sockets in front, small stages of our own behind.

mod admin;
mod chain;
mod corpus;
mod documents;
mod forgery;
mod lifecycle;
mod limiters;
mod limits;
mod methods;
mod rig;
mod wire;
