"""Pages of accounts."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.sign_in.urls import form
from accounts.sign_in.urls import page as get
from accounts.views import account, api_keys, audit, getting_started, invitations, members, organizations, profile

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.sign_in.urls")),
    path("profile", profile.profile, name="profile"),
    path("profile/delete", form(account.delete), name="account-delete"),
    path("profile/export", get(account.export), name="account-export"),
    path("settings/delete-organization", account.delete_organization, name="organization-delete"),
    path("audit", audit.log, name="audit"),
    path("audit/export", audit.export, name="audit-export"),
    path("members", members.members, name="members"),
    path("members/leave", members.leave, name="member-leave"),
    path("members/<uuid:member_id>/role", members.change_role, name="member-role"),
    path("members/<uuid:member_id>/remove", members.remove, name="member-remove"),
    path("members/<uuid:member_id>/ownership", members.transfer_ownership, name="ownership-transfer"),
    path("members/invitations/<uuid:invitation_id>/resend", members.resend_invitation, name="invitation-resend"),
    path("members/invitations/<uuid:invitation_id>/revoke", members.revoke_invitation, name="invitation-revoke"),
    path("invitations/<str:token>", invitations.InvitationView.as_view(), name="invitation"),
    path("organizations/new", organizations.OrganizationNewView.as_view(), name="organization-new"),
    path("organizations/switch", organizations.switch, name="organization-switch"),
    path("settings", organizations.settings, name="settings"),
    path("settings/retention", organizations.retention, name="settings-retention"),
    path("getting-started", getting_started.getting_started, name="getting-started"),
    path("keys", api_keys.api_keys, name="api-keys"),
    path("keys/new", api_keys.new, name="api-key-new"),
    path("keys/<uuid:key_id>/roll", api_keys.roll, name="api-key-roll"),
    path("keys/<uuid:key_id>/revoke", api_keys.revoke, name="api-key-revoke"),
]
